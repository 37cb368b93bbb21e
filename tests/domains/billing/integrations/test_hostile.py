"""Answers that are broken, endless, late or hostile end in one clear sentence, and no token is in it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest

from app.domains.billing.integrations import calling
from app.domains.billing.integrations.cursors import Cursor
from app.domains.billing.integrations.errors import (
    AccessTokenRefused,
    AnswerTooLarge,
    ForeignLink,
    MalformedAnswer,
    NoAnswer,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    SyncTokenExpired,
)
from tests.domains.billing.integrations.sides import NINE, TEN, WINDOW, google_side, graph_side
from tests.fakes.calendar_book import Entry
from tests.fakes.http_server import HANGS_UP, Answer
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.domains.billing.integrations.sides import Side
    from tests.fakes.google import GoogleServer
    from tests.fakes.graph import GraphServer

NUL, SURROGATE = "\x00", "\ud800"


@pytest.fixture
def bounds(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Tightens the bounds of all calls."""
    return lambda **changes: monkeypatch.setattr(calling, "BOUNDS", replace(calling.BOUNDS, **changes))


def assert_page_fails(side: Side, expected: type[Exception], *, match: str | None = None) -> Exception:
    with pytest.raises(expected, match=match) as raised:
        side.page()
    assert type(raised.value) is expected
    assert side.access_token not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    return raised.value


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, ProviderRefused),
        (401, AccessTokenRefused),
        (403, ProviderRefused),
        (404, ProviderRefused),
        (410, SyncTokenExpired),
        (429, RateLimited),
        (500, ProviderUnavailable),
        (503, ProviderUnavailable),
    ],
)
def test_each_refusal_is_told_apart(side: Side, status: int, expected: type[Exception]) -> None:
    side.server.plan(side.events, side.problem(status, "someReason"))
    assert_page_fails(side, expected)


@pytest.mark.parametrize(
    "body", [b"", b"<html>Bad gateway</html>", b"[]", b'{"error": 5}', b'{"error": {"code": []}}']
)
def test_a_refusal_in_an_odd_form_is_one(side: Side, body: bytes) -> None:
    side.server.plan(side.events, Answer(status=502, body=body))
    assert_page_fails(side, ProviderUnavailable, match=r"HTTP 502")


def test_limits_of_google_are_no_refusal(google: GoogleServer) -> None:
    side = google_side(google)
    google.plan(side.events, side.problem(403, "rateLimitExceeded", Retry_After="40"))
    error = assert_page_fails(side, RateLimited, match="rateLimitExceeded")
    assert isinstance(error, RateLimited)
    assert error.after == timedelta(seconds=40)


def test_microsoft_may_forget_its_tokens_by_another_status(graph: GraphServer) -> None:
    side = graph_side(graph)
    graph.plan(side.events, side.problem(400, "SyncStateNotFound"))
    assert_page_fails(side, SyncTokenExpired)


@pytest.mark.parametrize("status", [429, 503])
def test_the_pause_that_is_asked_for_is_kept(side: Side, status: int) -> None:
    then = datetime.now(UTC) + timedelta(minutes=5)
    for asked in ("90", format_datetime(then, usegmt=True), "soon", str(10**12)):
        side.server.plan(side.events, side.problem(status, "busy", Retry_After=asked))
    pauses = []
    for _ in range(4):
        with pytest.raises(ProviderUnavailable) as raised:
            side.page()
        pauses.append(raised.value.after)
    assert (pauses[0], pauses[2], pauses[3]) == (timedelta(seconds=90), None, timedelta(hours=1))
    assert pauses[1] is not None
    assert timedelta(minutes=4) < pauses[1] <= timedelta(minutes=5)


def test_a_provider_that_is_not_there_is_an_outage(side: Side, configure: Callable[..., None]) -> None:
    configure(**{f"{side.name.lower()}_url": f"http://127.0.0.1:{free_port()}"})
    assert_page_fails(side, NoAnswer, match=f"{side.name} did not answer")


def test_an_answer_that_never_comes_is_an_outage(side: Side) -> None:
    side.server.plan(side.events, HANGS_UP)
    assert_page_fails(side, NoAnswer)


def test_an_answer_that_drips_ends_at_the_deadline(side: Side, bounds: Callable[..., None]) -> None:
    bounds(deadline=timedelta(seconds=0.4))
    side.server.plan(side.events, Answer(status=200, body={"items": "x" * 1_000}, drips=True))
    assert_page_fails(side, NoAnswer, match="TimeoutError")


def test_no_more_of_an_answer_is_read_than_fits(side: Side, bounds: Callable[..., None]) -> None:
    bounds(max_bytes=10_000)
    side.server.plan(side.events, Answer(status=200, body=b" " * 10_001))
    assert_page_fails(side, AnswerTooLarge, match="more than 10,000 bytes")


def test_no_redirect_is_followed(side: Side, google: GoogleServer, graph: GraphServer) -> None:
    elsewhere = graph if side.server is google else google
    side.server.plan(side.events, Answer(status=302, headers={"Location": f"{elsewhere.url}/steal"}))
    assert_page_fails(side, ProviderRefused, match="a redirect")
    assert elsewhere.requests == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not JSON",
        b"\xff\xfe{}",
        b'"text"',
        b"[]",
        b"NaN",
        b"[" * 200_000,
        b'{"a":' * 33 + b"1" + b"}" * 33,
        b'{"items": 5, "value": 5}',
        b'{"items": null, "value": null, "nextSyncToken": 5, "@odata.deltaLink": 5}',
        b'{"items": [], "value": [], "nextSyncToken": "a\\u0000b", "@odata.deltaLink": "a\\u0000b"}',
        b'{"items": [], "value": [], "nextSyncToken": "\\ud800", "@odata.deltaLink": "\\ud800"}',
        json.dumps(
            dict.fromkeys(("nextSyncToken", "@odata.deltaLink"), "x" * 20_000) | {"value": []}
        ).encode(),
    ],
)
def test_an_answer_that_says_nothing_is_asked_for_again(side: Side, body: bytes) -> None:
    side.server.plan(side.events, Answer(status=200, body=body))
    assert_page_fails(side, MalformedAnswer, match="cannot be read")


def test_a_number_of_a_million_digits_costs_nothing(side: Side) -> None:
    side.server.plan(side.events, Answer(status=200, body=b'{"x": ' + b"9" * 1_000_000 + b"}"))
    assert_page_fails(side, MalformedAnswer)


def test_a_page_that_compresses_itself_is_not_unpacked(side: Side) -> None:
    side.server.plan(side.events, Answer(status=200, body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"}))
    assert_page_fails(side, MalformedAnswer)
    assert side.server.requests[-1].headers["accept-encoding"] == "identity"


ODD_EVENTS: list[Any] = [
    None,
    5,
    [],
    "e1",
    {"id": None},
    {"id": ""},
    {"id": "x" * 201},
    {"id": f"e{NUL}1"},
    {"id": f"e{SURROGATE}"},
    {"start": None},
    {"start": {"dateTime": "2026-03-02"}},
    {"start": {"dateTime": "2026-W10-1T09:00:00Z"}},
    {"start": {"dateTime": "9999-12-31T23:59:59-12:00"}},
    {"start": {"dateTime": "0001-01-01T00:00:00+14:00"}},
    {"start": {"dateTime": "2026-03-02T09:00:00+99:00"}},
    {"start": {"dateTime": "2026-03-02T09:00:00", "timeZone": "Middle-earth/Shire"}},
    {"start": {"dateTime": "2026-03-02T09:00:00", "timeZone": "../../etc/passwd"}},
    {"start": {"dateTime": float("nan")}},
    {"end": {"dateTime": "2026-03-02T08:00:00Z"}},
    {"end": {"dateTime": "2056-03-02T08:00:00Z"}},
    {"end": {"dateTime": 10**40}},
    {"etag": None, "changeKey": None},
    {"summary": 5, "subject": 5},
    {"status": "perhaps", "isCancelled": "perhaps"},
    {"recurringEventId": 5, "seriesMasterId": 5},
    {"updated": "yesterday", "lastModifiedDateTime": "yesterday"},
]


@pytest.mark.parametrize("odd", ODD_EVENTS, ids=lambda odd: ascii(odd)[:40])
def test_an_event_that_cannot_be_used_leaves_the_others_alone(side: Side, odd: Any) -> None:
    side.server.book.put(Entry(id="e1", start=NINE, end=TEN))
    side.server.book.put(Entry(id="e2", start=NINE, end=TEN))
    side.server.book.distorted["e1"] = odd
    page = side.page()
    assert [event.id for event in page.events] == ["e2"]
    (aside,) = page.unreadable
    assert aside.reason.startswith('The field "')
    assert aside.id in ("e1", None)


def test_a_title_is_one_line_of_what_can_be_seen(side: Side) -> None:
    side.server.book.put(Entry(id="e1", start=NINE, end=TEN))
    title = f"{NUL}Plan\n\u05e2\u05d1\u05e8\u05d9\u05ea{SURROGATE}" + "x" * 5_000
    side.server.book.distorted["e1"] = {"summary": title, "subject": title}
    (event,) = side.events_told()
    assert event.title.startswith("Plan \u05e2\u05d1\u05e8\u05d9\u05ea\ufffd")
    assert len(event.title) <= 1_000


def test_an_event_without_a_title_has_an_empty_one(side: Side) -> None:
    side.server.book.put(Entry(id="e1", start=NINE, end=TEN))
    side.server.book.distorted["e1"] = {"summary": None, "subject": None}
    assert side.events_told()[0].title == ""


def test_of_an_event_that_is_told_twice_the_last_counts(google: GoogleServer) -> None:
    side = google_side(google)
    moment = {"start": {"dateTime": "2026-03-02T09:00:00Z"}, "end": {"dateTime": "2026-03-02T10:00:00Z"}}
    rows = [{"id": "e1", "etag": etag, **moment} for etag in ("1", "2")]
    gone = [{"id": "e2", "etag": "1", **moment}, {"id": "e2", "status": "cancelled"}]
    google.plan(side.events, Answer(status=200, body={"items": [*rows, *gone], "nextSyncToken": "t"}))
    page = side.page()
    assert [(event.id, event.version) for event in page.events] == [("e1", "2")]
    assert page.removed == ("e2",)


@pytest.mark.parametrize(
    "link",
    [
        "{other}/v1.0/me/calendarView/delta?$deltatoken=1",
        "http://169.254.169.254/v1.0/me/calendarView/delta",
        "{own}@{other_host}/v1.0/me/calendarView/delta",
        "{own}/v1.0/me/messages?$deltatoken=1",
        "{own}/beta/me/calendarView/delta",
        "ftp://{own_host}/v1.0/me/calendarView/delta",
        "//{own_host}/v1.0/me/calendarView/delta",
        "/v1.0/me/calendarView/delta",
        "http://[::1/v1.0/me/calendarView/delta",
    ],
)
@pytest.mark.parametrize("name", ["@odata.nextLink", "@odata.deltaLink"])
def test_a_link_to_elsewhere_is_not_followed(
    graph: GraphServer, google: GoogleServer, name: str, link: str, configure: Callable[..., None]
) -> None:
    side = graph_side(graph)
    hosts = {"own_host": graph.url.removeprefix("http://"), "other_host": google.url.removeprefix("http://")}
    told = link.format(own=graph.url, other=google.url, **hosts)
    graph.plan(side.events, Answer(status=200, body={"value": [], name: told}))
    assert_page_fails(side, ForeignLink, match="not one of the same calendar and the same server")
    assert google.requests == []


def test_a_stored_link_to_a_server_of_before_means_to_read_all_anew(graph: GraphServer) -> None:
    side = graph_side(graph)
    stored = Cursor(window=WINDOW).after(
        "https://graph.microsoft.com/v1.0/me/calendarView/delta?$deltatoken=1"
    )
    with pytest.raises(SyncTokenExpired):
        side.page(stored)
    assert graph.requests == []


def test_a_message_of_the_provider_shows_no_token(side: Side) -> None:
    token = side.access_token
    side.server.plan(
        side.events, Answer(status=400, body={"error": {"message": f"Bad token {token}", "code": token}})
    )
    error = assert_page_fails(side, ProviderRefused)
    assert token[8:] not in str(error)

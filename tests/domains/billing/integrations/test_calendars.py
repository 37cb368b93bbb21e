"""Both calendars, told in the same words: pages, changes, deletions, series, whole days, time zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from app.domains.billing.integrations import calendars, cursors
from app.domains.billing.integrations.cursors import Cursor, cursor_of
from app.domains.billing.integrations.errors import EndlessPages, MalformedAnswer, SyncTokenExpired
from app.domains.billing.integrations.facts import Attendance, EventStatus
from app.domains.billing.integrations.google import client as google_client
from app.domains.billing.integrations.outlook import client as outlook_client
from tests.domains.billing.integrations.sides import NINE, TEN, WINDOW, google_side, graph_side
from tests.fakes.calendar_book import Entry
from tests.fakes.http_server import Answer

if TYPE_CHECKING:
    from tests.domains.billing.integrations.sides import Side
    from tests.fakes.google import GoogleServer
    from tests.fakes.graph import GraphServer

BERLIN = ZoneInfo("Europe/Berlin")


def meeting(id_: str = "e1", **values: Any) -> Entry:
    return Entry(**{"id": id_, "start": NINE, "end": TEN, **values})


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google_client, "PAGE_SIZE", 2)
    prefer = outlook_client.PREFER.replace("maxpagesize=50", "maxpagesize=2")
    monkeypatch.setattr(outlook_client, "PREFER", prefer)


def test_an_event_is_told_alike(side: Side) -> None:
    side.server.book.put(meeting(title="Plan the week", answer="accepted"))
    (event,) = side.events_told()
    assert (event.id, event.title, event.series_id, event.original_start) == (
        "e1",
        "Plan the week",
        None,
        None,
    )
    assert (event.starts_at, event.ends_at, event.all_day) == (NINE, TEN, False)
    assert (event.status, event.attendance) == (EventStatus.CONFIRMED, Attendance.ACCEPTED)
    assert event.starts_at.tzinfo is UTC
    assert event.updated_at is not None
    assert event.updated_at.replace(microsecond=0) == datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, Attendance.ORGANIZER),
        ("accepted", Attendance.ACCEPTED),
        ("tentative", Attendance.TENTATIVE),
        ("declined", Attendance.DECLINED),
        ("needsAction", Attendance.UNANSWERED),
    ],
)
def test_what_the_person_answered_is_known(side: Side, answer: str | None, expected: Attendance) -> None:
    side.server.book.put(meeting(answer=answer))
    assert side.events_told()[0].attendance is expected


def test_an_event_may_be_tentative(side: Side) -> None:
    side.server.book.put(meeting(status="tentative"))
    assert side.events_told()[0].status is EventStatus.TENTATIVE


def test_pages_are_read_to_the_last(side: Side, small_pages: None) -> None:
    for number in range(5):
        side.server.book.put(meeting(f"e{number}"))
    pages = side.pages()
    assert [[event.id for event in page.events] for page in pages] == [["e0", "e1"], ["e2", "e3"], ["e4"]]
    assert [page.has_more for page in pages] == [True, True, False]


def test_only_what_changed_is_told_after_that(side: Side, small_pages: None) -> None:
    book = side.server.book
    for number in range(4):
        book.put(meeting(f"e{number}"))
    before = side.pages()[-1]
    book.change("e1", title="Moved", start=TEN, end=TEN + timedelta(hours=1))
    book.delete("e2")
    book.put(meeting("e9"))
    pages = side.pages(cursor_of(before.next_token, provider=side.name))
    assert [event.id for page in pages for event in page.events] == ["e1", "e9"]
    assert [id_ for page in pages for id_ in page.removed] == ["e2"]
    nothing = side.pages(cursor_of(pages[-1].next_token, provider=side.name))
    assert [(page.events, page.removed) for page in nothing] == [((), ())]


def test_another_version_is_known_after_each_change(side: Side) -> None:
    side.server.book.put(meeting())
    before = side.events_told()[0].version
    side.server.book.change("e1", title="Other")
    assert side.events_told()[0].version != before


def test_a_token_that_is_no_longer_known_means_to_read_all_anew(side: Side) -> None:
    side.server.book.put(meeting())
    before = side.page()
    side.server.book.forget_changes()
    with pytest.raises(SyncTokenExpired, match=f"{side.name} does not know what changed"):
        side.page(cursor_of(before.next_token, provider=side.name))
    assert [event.id for event in side.events_told()] == ["e1"]


def test_a_token_may_end_between_two_pages(side: Side, small_pages: None) -> None:
    for number in range(3):
        side.server.book.put(meeting(f"e{number}"))
    side.server.plan(side.events, None, side.problem(410, "gone"))
    with pytest.raises(SyncTokenExpired):
        side.pages()


def test_the_events_of_a_series_come_one_by_one(side: Side) -> None:
    first = datetime(2026, 3, 28, 9, tzinfo=BERLIN)
    side.server.book.repeat("daily", first=first, times=3, title="Standup")
    events = side.events_told()
    assert [event.series_id for event in events] == ["daily"] * 3
    assert [event.title for event in events] == ["Standup"] * 3
    # The clocks go forward in between: nine o'clock is an hour earlier by UTC.
    assert [event.starts_at.hour for event in events] == [8, 7, 7]


def test_one_of_a_series_may_be_moved_or_deleted(side: Side) -> None:
    one, other, _ = side.server.book.repeat("daily", first=NINE, times=3)
    before = side.page()
    side.server.book.change(one.id, start=TEN, end=TEN + timedelta(hours=1), title="Later")
    side.server.book.delete(other.id)
    changes = side.page(cursor_of(before.next_token, provider=side.name))
    (event,) = changes.events
    assert (event.id, event.title, event.starts_at, event.original_start) == (one.id, "Later", TEN, NINE)
    assert event.series_id == "daily"
    assert changes.removed == (other.id,)


def test_a_series_may_be_deleted(side: Side) -> None:
    ids = [one.id for one in side.server.book.repeat("daily", first=NINE, times=3)]
    before = side.page()
    side.server.book.delete("daily")
    changes = side.page(cursor_of(before.next_token, provider=side.name))
    assert (changes.events, list(changes.removed)) == ((), ids)


def test_whole_days_begin_by_the_persons_clock(side: Side) -> None:
    side.server.book.put(meeting(start=date(2026, 3, 29), end=date(2026, 3, 30)))
    (event,) = side.events_told(zone=BERLIN)
    assert event.all_day
    assert event.starts_at == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert event.ends_at - event.starts_at == timedelta(hours=23)


def test_an_event_that_is_moved_out_of_the_window_is_gone(side: Side) -> None:
    side.server.book.put(meeting())
    before = side.page()
    side.server.book.change("e1", start=NINE + timedelta(days=365), end=TEN + timedelta(days=365))
    changes = side.page(cursor_of(before.next_token, provider=side.name))
    assert (changes.events, changes.removed) == ((), ("e1",))


def test_whose_calendar_it_is_can_be_asked(side: Side) -> None:
    account = side.port(turn=lambda: None).account(side.access_token)
    assert "ada@example.org" in (account.id, account.name)


def test_each_request_takes_a_turn(side: Side) -> None:
    taken: list[str] = []
    port = side.port(turn=lambda: taken.append("turn"))
    port.account(side.access_token)
    port.changes(side.access_token, Cursor(window=WINDOW))
    assert len(taken) == len(side.server.requests) == 2


def test_pages_without_an_end_are_left(
    side: Side, monkeypatch: pytest.MonkeyPatch, small_pages: None
) -> None:
    monkeypatch.setattr(calendars, "MAX_PAGES", 2)
    for number in range(9):
        side.server.book.put(meeting(f"e{number}"))
    with pytest.raises(EndlessPages, match="after page 2 there is still another"):
        side.pages()
    assert side.server.count(side.events) == 2


def test_a_page_that_follows_itself_is_left(google: GoogleServer, graph: GraphServer) -> None:
    google_says = Answer(status=200, body={"items": [], "nextPageToken": "same"})
    graph_says = Answer(
        status=200, body={"value": [], "@odata.nextLink": f"{graph.url}/v1.0/me/calendarView/delta?a"}
    )
    for one, answer in ((google_side(google), google_says), (graph_side(graph), graph_says)):
        one.server.plan(one.events, *[answer] * 5)
        with pytest.raises(EndlessPages):
            one.pages()
        assert one.server.count(one.events) == 2


def test_a_page_must_say_where_to_go_on(side: Side) -> None:
    side.server.plan(side.events, Answer(status=200, body={"items": [], "value": []}))
    with pytest.raises(MalformedAnswer, match="it names neither a next page nor"):
        side.page()


@pytest.mark.parametrize(
    "text", ["", "null", "[]", '["x","y",null,null]', "[" * 100_000, '["9999-99-99","",1,1]']
)
def test_a_stored_token_that_cannot_be_read_means_to_read_all_anew(text: str) -> None:
    with pytest.raises(SyncTokenExpired):
        cursor_of(text, provider="Google")


def test_a_window_is_left_for_another_before_it_ends() -> None:
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    begun = cursors.start(None, now=now, provider="Google").after("token-1")
    assert cursors.start(begun.text, now=now + timedelta(days=20), provider="Google") == begun
    later = cursors.start(begun.text, now=now + timedelta(days=35), provider="Google")
    assert (later.sync, later.window) == (None, cursors.window_around(now + timedelta(days=35)))

"""What Slack sends is known by its signature, and nothing else is taken for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.domains.billing.integrations.errors import NotConfigured
from app.domains.billing.integrations.facts import Challenge, SlackEvent
from app.domains.billing.integrations.slack import requests
from app.domains.billing.integrations.slack.errors import InvalidSignature, UnusableEvent
from tests.fakes.slack import SIGNING_SECRET, TEAM, Signed, event, sign

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
BODY = event("user_profile_changed", user={"id": "U0ADA", "profile": {"status_text": "Away"}})


@pytest.fixture(autouse=True)
def _secret(configure: Callable[..., None]) -> None:
    configure(slack_signing_secret=SIGNING_SECRET)


def verify(signed: Signed) -> None:
    requests.verify(signed.headers, signed.body, now=NOW)


def told(body: Any, **headers: str) -> SlackEvent | Challenge:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return requests.event_of({name.replace("_", "-"): value for name, value in headers.items()}, raw)


def signed_at(moment: datetime, **changes: Any) -> Signed:
    return sign(BODY, at=moment.timestamp(), **changes)


def test_the_signature_is_the_one_of_slacks_documentation() -> None:
    # Source: Slack, verifying requests.
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    assert requests.signature("8f742231b10e8888abcd99yyyzzz85a5", timestamp="1531420618", body=body) == (
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    )


@pytest.mark.parametrize("age", [timedelta(), timedelta(minutes=5), -timedelta(minutes=5)])
def test_a_request_that_slack_signed_just_now_passes(age: timedelta) -> None:
    verify(signed_at(NOW - age))


@pytest.mark.parametrize("age", [timedelta(minutes=5, seconds=1), -timedelta(minutes=5, seconds=1)])
def test_a_request_that_is_not_new_is_refused(age: timedelta) -> None:
    with pytest.raises(InvalidSignature, match="within the last five minutes"):
        verify(signed_at(NOW - age))


@pytest.mark.parametrize(
    "timestamp", ["", "now", "1e9", "-5", "NaN", "\u0665" * 10, "9" * 5_000, "1772452800.5"]
)
def test_a_request_says_when_it_was_sent(timestamp: str) -> None:
    good = signed_at(NOW)
    with pytest.raises(InvalidSignature):
        verify(Signed(headers={**good.headers, "x-slack-request-timestamp": timestamp}, body=BODY))
    with pytest.raises(InvalidSignature, match="does not say when"):
        verify(Signed(headers={"x-slack-signature": good.headers["x-slack-signature"]}, body=BODY))


def test_a_request_that_is_not_surely_slacks_is_refused() -> None:
    good = signed_at(NOW)
    digest = good.headers["x-slack-signature"]
    forged = [
        signed_at(NOW, secret="another"),
        Signed(headers=good.headers, body=BODY + b" "),
        Signed(
            headers={**good.headers, "x-slack-request-timestamp": f"{NOW.timestamp() - 1:.0f}"}, body=BODY
        ),
        *(
            Signed(headers={**good.headers, "x-slack-signature": other}, body=BODY)
            for other in (
                "",
                "v0=",
                digest[3:],
                digest.upper(),
                digest + "0",
                digest.replace("v0", "v1"),
                "v0=\udcff",
            )
        ),
    ]
    for one in forged:
        with pytest.raises(InvalidSignature, match="its signature is not Slack's"):
            verify(one)


def test_without_a_secret_nothing_passes(configure: Callable[..., None]) -> None:
    configure(slack_signing_secret="")
    with pytest.raises(NotConfigured, match="GROUNDWORK_SLACK_SIGNING_SECRET"):
        verify(sign(BODY, secret="", at=NOW.timestamp()))


def test_the_question_whether_the_endpoint_is_ours_is_answered() -> None:
    assert told({"type": "url_verification", "challenge": "3eZbrw1aB"}) == Challenge(text="3eZbrw1aB")


def test_an_event_says_what_happened_to_whom() -> None:
    found = told(BODY)
    assert isinstance(found, SlackEvent)
    assert (found.id, found.type, found.team_id) == ("Ev0001", "user_profile_changed", TEAM)
    assert (found.user_id, found.retry, found.retry_reason) == ("U0ADA", 0, None)
    assert found.happened_at is not None
    by_id = told(event("message", user="U0BOB"))
    assert isinstance(by_id, SlackEvent)
    assert by_id.user_id == "U0BOB"


def test_an_event_that_is_told_again_has_the_same_id_and_says_why() -> None:
    again = told(BODY, x_slack_retry_num="2", x_slack_retry_reason="http_timeout")
    assert isinstance(again, SlackEvent)
    assert (again.id, again.retry, again.retry_reason) == ("Ev0001", 2, "http_timeout")
    odd = told(BODY, x_slack_retry_num="many", x_slack_retry_reason="<script>")
    assert isinstance(odd, SlackEvent)
    assert (odd.retry, odd.retry_reason) == (0, None)


@pytest.mark.parametrize("seconds", [None, -1, 0, 10**15, True, "soon", 1.5])
def test_when_something_happened_is_not_worth_an_event(seconds: Any) -> None:
    found = told({**json.loads(BODY), "event_time": seconds})
    assert isinstance(found, SlackEvent)
    assert (found.id, found.happened_at) == ("Ev0001", None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"payload=%7B%7D",
        b"[]",
        b"null",
        b"NaN",
        b"[" * 100_000,
        {},
        {"type": "url_verification"},
        {"type": "url_verification", "challenge": "x" * 300},
        {"type": "url_verification", "challenge": "a\nb"},
        {"type": "event_callback", "event": {"type": "message"}, "team_id": TEAM},
        {"type": "event_callback", "event_id": "E1", "event": [], "team_id": TEAM},
        {"type": "event_callback", "event_id": "E1", "event": {"type": "message"}, "team_id": 5},
        {"type": "event_callback", "event_id": "E\x00", "event": {"type": "message"}, "team_id": TEAM},
        {
            "type": "event_callback",
            "event_id": "E1",
            "event": {"type": "message", "user": 5},
            "team_id": TEAM,
        },
        b'{"type": "event_callback", "type": "url_verification"}',
    ],
)
def test_a_request_in_which_there_is_no_event_is_refused(body: Any) -> None:
    with pytest.raises(UnusableEvent, match="The event cannot be used"):
        told(body)

"""Usage over HTTP: told in batches, of which all is counted or nothing, and read by the hour and the day."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.domains.marketplace.usage.schemas import MAX_EVENTS
from tests.api_client import client_for
from tests.domains.accounts.people import add_person, client_of
from tests.domains.marketplace import market
from tests.domains.marketplace.market import add_model, licences, pay, place
from tests.domains.marketplace.usage.happened import totals

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.usefixtures("database")]
MARKET = "/api/v1/marketplace"
EVENTS = f"{MARKET}/usage/events"
NOW = datetime(2026, 1, 31, 11, 20, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _in_january(configure: Callable[..., None]) -> None:
    configure(pretend_now=NOW)


def view(id_: str, **changed: Any) -> dict[str, Any]:
    return {"id": id_, "model_id": 1, "kind": "view"} | changed


def ok(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def at(**earlier: float) -> str:
    return (NOW - timedelta(**earlier)).isoformat()


@pytest.mark.databases("sqlite", "postgresql")
def test_events_are_told_counted_and_read() -> None:
    add_model()
    client = client_for("usage:write", "usage:view")
    told = {"events": [view("a"), view("b", kind="download", happened_at=at(days=6)), view("a")]}
    assert ok(client.post(EVENTS, json=told)) == {"counted": 2, "known": 1}
    assert ok(client.post(EVENTS, json=told)) == {"counted": 0, "known": 3}
    days = ok(client.get(f"{MARKET}/models/1/usage"))
    assert days["totals"] == {"view": 1, "download": 1, "purchase": 0}
    assert days["counts"] == [
        {"begins_at": "2026-01-25T00:00:00Z", "kind": "download", "count": 1},
        {"begins_at": "2026-01-31T00:00:00Z", "kind": "view", "count": 1},
    ]
    hours = ok(client.get(f"{MARKET}/models/1/usage?span=hour"))
    assert hours["counts"] == [{"begins_at": "2026-01-31T11:00:00Z", "kind": "view", "count": 1}]
    earlier = "span=hour&after=2026-01-25T11:59:00Z&before=2026-01-25T12:00:00Z"
    assert ok(client.get(f"{MARKET}/models/1/usage?{earlier}"))["totals"]["download"] == 1


#: What of an event is wrong, where, and a part of the sentence about it.
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"id": one}, "id", "") for one in ("", "a b", "a/b", "ä", "a\n", "x" * 101, 7, None)
]
WRONG += [({"model_id": one}, "model_id", "") for one in (0, -1, 2**63, "1_0", 1.0, True, None)]
WRONG += [
    ({"model_id": 4711}, "model_id", "There is no model with the id 4711."),
    ({"kind": "sale"}, "kind", "'view', 'download' or 'purchase'"),
    ({"happened_at": "yesterday"}, "happened_at", "RFC 3339"),
    ({"happened_at": "2026-01-31T11:00:00"}, "happened_at", "with offset"),
    ({"happened_at": "0001-01-01T00:00:00+14:00"}, "happened_at", "RFC 3339"),
    ({"happened_at": "0001-01-01T00:00:00Z"}, "happened_at", "over 7 days ago"),
    ({"happened_at": at(days=7, seconds=1)}, "happened_at", "over 7 days ago"),
    ({"happened_at": at(minutes=-6)}, "happened_at", "still to come"),
    ({"happened_at": "9999-12-31T23:59:59Z"}, "happened_at", "still to come"),
    ({"price": 7}, "price", ""),
]


def test_what_cannot_be_counted_is_named_and_nothing_is() -> None:
    add_model()
    client = client_for("usage:write")
    for changed, field, sentence in WRONG:
        events = [view("good"), view("bad", **changed), view("better")]
        answer = client.post(EVENTS, json={"events": events})
        assert answer.status_code == 422, changed
        [error] = answer.json()["errors"]
        assert error["pointer"] == f"#/events/1/{field}", changed
        assert sentence in error["detail"], changed
    assert totals() == {}
    for members in ([], [view(f"e{number}") for number in range(MAX_EVENTS + 1)], None):
        assert client.post(EVENTS, json={"events": members}).status_code == 422
    for value in ("NaN", "1e400", '"\\u0000"', '"\\ud800"'):
        body = json.dumps({"events": [view("good"), view("bad", model_id="?")]}).replace('"?"', value)
        answer = client.post(EVENTS, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422), value
    huge = {"events": [view("x" * 100, note="n" * 300_000)]}
    assert client.post(EVENTS, json=huge).status_code == 413
    assert ok(client.post(EVENTS, json={"events": [view("good"), view("better", happened_at=at(days=7))]}))


def test_a_full_batch_of_the_longest_events_fits() -> None:
    add_model()
    longest = [view(f"{number:0100}", kind="purchase", happened_at=at()) for number in range(MAX_EVENTS)]
    answer = client_for("usage:write").post(EVENTS, json={"events": longest})
    assert ok(answer) == {"counted": MAX_EVENTS, "known": 0}


def test_a_period_is_one_that_can_be_shown() -> None:
    add_model()
    client = client_for("usage:view")
    usage = f"{MARKET}/models/1/usage"
    for query, sentence in (
        ("after=2026-01-31T00:00:00Z&before=2026-01-30T00:00:00Z", "there is no time"),
        ("before=0001-01-01T00:00:00Z", "there is no time"),
        ("after=2020-01-01T00:00:00Z", "over 1,000 days"),
        ("span=hour&after=2025-12-01T00:00:00Z", "over 1,000 hours"),
        ("span=week", "'hour' or 'day'"),
        ("after=now", "RFC 3339"),
    ):
        answer = client.get(f"{usage}?{query}")
        assert answer.status_code == 422, query
        assert sentence in answer.text, query
    assert client.get(f"{MARKET}/models/9/usage").status_code == 404


def test_who_may_tell_may_not_read_and_the_other_way_round() -> None:
    add_model()
    assert (
        client_for("usage:view", "catalog:write").post(EVENTS, json={"events": [view("a")]}).status_code
        == 403
    )
    assert client_for("usage:write", "catalog:read").get(f"{MARKET}/models/1/usage").status_code == 403


def test_a_licensed_download_counts_once_an_hour_and_a_refused_one_never(
    configure: Callable[..., None],
) -> None:
    model = add_model()
    ann = add_person()
    pay(place(ann, market.tier_of(model)))
    link = f"{MARKET}/licences/{licences()[0].id}/download"
    for _ in range(2):
        assert "token=" in ok(client_of().get(link))["url"]
    assert totals() == {"purchase": 1, "download": 1}
    configure(pretend_now=NOW + timedelta(hours=1))
    ok(client_of().get(link))
    assert totals()["download"] == 2
    ok(client_for("orders:settle").post(f"{MARKET}/licences/{licences()[0].id}/revoke"))
    assert client_of().get(link).status_code == 409
    assert totals()["download"] == 2

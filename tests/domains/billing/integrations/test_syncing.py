"""Stored events are those of the calendar, whatever happens on the way."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.db.sessions import transaction
from app.domains.billing.integrations.errors import ProviderUnavailable, RateLimited, TokensReplaced
from app.domains.billing.integrations.google import client as google_client
from app.domains.billing.integrations.models import Health, SyncedEvent
from app.domains.billing.integrations.outlook import client as outlook_client
from tests.domains.billing.integrations.sides import google_side, graph_side
from tests.domains.billing.integrations.stored import (
    change,
    connect,
    events,
    integration,
    present,
    sync,
    told,
)
from tests.fakes import google as fake_google
from tests.fakes import graph as fake_graph
from tests.fakes.calendar_book import Entry
from tests.fakes.oauth import Rotation

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.domains.billing.integrations.sides import Side

TODAY = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)


@pytest.fixture
def side(request: pytest.FixtureRequest, database: Engine) -> Side:
    """Each calendar in turn, beside a database."""
    server = request.getfixturevalue(request.param)
    return google_side(server) if request.param == "google" else graph_side(server)


both = pytest.mark.parametrize("side", ["google", "graph"], indirect=True)
one = pytest.mark.parametrize("side", ["google"], indirect=True)
small_pages = pytest.mark.usefixtures("_small_pages")


@pytest.fixture
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google_client, "PAGE_SIZE", 2)
    prefer = outlook_client.PREFER.replace("maxpagesize=50", "maxpagesize=2")
    monkeypatch.setattr(outlook_client, "PREFER", prefer)


def meeting(side: Side, id_: str, **values: Any) -> Entry:
    entry = {"id": id_, "start": TODAY, "end": TODAY + timedelta(hours=1), **values}
    return side.server.book.put(Entry(**entry))


def captured() -> None:
    """Time capture has seen everything."""
    with transaction() as session:
        session.query(SyncedEvent).update({SyncedEvent.is_captured: True})


def uncaptured(id_: int) -> set[str]:
    return {event_id for event_id, row in events(id_).items() if not row.is_captured}


@both
@small_pages
def test_all_events_are_stored_and_a_second_time_there_is_nothing_to_do(side: Side) -> None:
    for number in range(5):
        meeting(side, f"e{number}", title=f"Meeting {number}")
    id_ = connect(side)
    first = sync(id_)
    assert (first.events, first.removed, first.pages) == (5, 0, 3)
    assert {event_id: row.title for event_id, row in events(id_).items()} == {
        f"e{number}": f"Meeting {number}" for number in range(5)
    }
    assert integration(id_).synced_at is not None
    captured()
    again = sync(id_)
    assert (again.events, again.removed, again.pages) == (0, 0, 1)
    assert uncaptured(id_) == set()


@both
def test_what_changed_is_for_time_capture_to_see_and_the_rest_is_not(side: Side) -> None:
    for id_ in ("same", "moved", "gone"):
        meeting(side, id_)
    connected = connect(side)
    sync(connected)
    captured()
    book = side.server.book
    book.change("moved", title="Later")
    book.delete("gone")
    sync(connected)
    assert (uncaptured(connected), present(connected)) == ({"moved", "gone"}, {"same", "moved"})
    assert events(connected)["moved"].title == "Later"
    # It comes back, as when somebody restores it.
    captured()
    book.change("gone", is_deleted=False)
    sync(connected)
    assert (uncaptured(connected), present(connected)) == ({"gone"}, {"same", "moved", "gone"})


@both
def test_after_a_lost_token_what_is_not_named_any_more_is_gone(side: Side) -> None:
    for id_ in ("stays", "gone"):
        meeting(side, id_)
    connected = connect(side)
    sync(connected)
    captured()
    side.server.book.delete("gone")
    side.server.book.forget_changes()
    stats = sync(connected)
    assert (stats.events, present(connected), uncaptured(connected)) == (1, {"stays"}, {"gone"})


@one
def test_what_is_older_than_the_window_stays_when_all_is_read_anew(side: Side) -> None:
    connected = connect(side)
    meeting(side, "new")
    sync(connected)
    old = TODAY - timedelta(days=400)
    with transaction() as session:
        session.query(SyncedEvent).update({SyncedEvent.starts_at: old, SyncedEvent.ends_at: old})
    side.server.book.entries.clear()
    side.server.book.forget_changes()
    sync(connected)
    assert present(connected) == {"new"}


@one
def test_a_series_that_is_gone_takes_its_events_along(side: Side) -> None:
    side.server.book.repeat("daily", first=TODAY, times=3)
    connected = connect(side)
    sync(connected)
    side.server.book.distorted = {one_id: {"id": "daily"} for one_id in present(connected)}
    side.server.book.delete("daily")
    sync(connected)
    assert present(connected) == set()


@both
@small_pages
def test_a_sync_that_failed_between_pages_goes_on_there(side: Side) -> None:
    for number in range(5):
        meeting(side, f"e{number}")
    connected = connect(side)
    side.server.plan(side.events, None, side.problem(429, "busy", Retry_After="7"))
    with pytest.raises(RateLimited) as limited:
        sync(connected)
    assert limited.value.after == timedelta(seconds=7)
    assert present(connected) == {"e0", "e1"}
    asked = side.server.count(side.events)
    assert sync(connected).pages == 2
    assert present(connected) == {f"e{number}" for number in range(5)}
    assert side.server.count(side.events) == asked + 2


@both
@small_pages
def test_a_token_that_ends_between_pages_begins_all_anew(side: Side) -> None:
    for number in range(3):
        meeting(side, f"e{number}")
    connected = connect(side)
    side.server.plan(side.events, None, side.problem(410, "gone"))
    assert sync(connected).pages == 3
    assert present(connected) == {"e0", "e1", "e2"}
    assert integration(connected).readings == 2


@both
def test_a_permission_that_is_gone_turns_the_connection_off_and_tells_its_person_once(side: Side) -> None:
    connected = connect(side)
    side.server.oauth.revoke()
    for _ in range(2):
        assert sync(connected).skipped
    row = integration(connected)
    assert (row.is_enabled, row.health) == (False, Health.BROKEN)
    assert "invalid_grant" in str(row.error)
    assert len(told()) == 1
    assert "is not read any more" in told()[0]


@both
def test_refreshed_tokens_are_stored_encrypted(side: Side) -> None:
    side.server.oauth.rotation = Rotation.USED_UP
    connected = connect(side, expires_at=datetime.now(UTC))
    before = integration(connected)
    sync(connected)
    after = integration(connected)
    assert after.generation == before.generation + 1
    assert after.refresh_token != before.refresh_token
    assert before.refresh_token not in side.server.oauth.refresh_tokens
    assert after.refresh_token in side.server.oauth.refresh_tokens
    with transaction() as session:
        raw = (
            session.connection().exec_driver_sql("SELECT access_token, refresh_token FROM integration").one()
        )
    assert str(after.refresh_token) not in str(raw)
    assert after.access_token not in str(raw)
    assert after.refreshing_until is None


@both
def test_many_processes_that_refresh_at_once_ask_once(side: Side) -> None:
    side.server.oauth.rotation = Rotation.USED_UP
    connected = connect(side, expires_at=datetime.now(UTC))
    meeting(side, "e1")
    together, problems = threading.Barrier(6), []

    def run() -> None:
        together.wait()
        try:
            sync(connected)
        except TokensReplaced:
            problems.append("later")

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    token_path = fake_google.TOKEN if side.name == "Google" else fake_graph.TOKEN
    assert side.server.count(token_path) == 1
    assert integration(connected).is_enabled
    sync(connected)
    assert present(connected) == {"e1"}


@one
def test_a_lease_on_tokens_that_its_holder_left_ends(side: Side) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=30)
    connected = connect(side, expires_at=datetime.now(UTC), refreshing_until=soon)
    with pytest.raises(TokensReplaced):
        sync(connected)
    change(connected, refreshing_until=datetime.now(UTC) - timedelta(seconds=1))
    sync(connected)
    assert integration(connected).generation == 2


@both
def test_an_event_that_cannot_be_used_does_not_hold_up_the_others(side: Side) -> None:
    meeting(side, "good")
    meeting(side, "odd")
    side.server.book.distorted["odd"] = {"start": {"dateTime": "9999-12-31T00:00:00Z"}}
    connected = connect(side)
    assert sync(connected).unreadable == 1
    assert present(connected) == {"good"}


@both
def test_an_outage_changes_nothing(side: Side) -> None:
    meeting(side, "e1")
    connected = connect(side)
    sync(connected)
    before = integration(connected).sync_token
    side.server.plan(side.events, side.problem(503, "down"))
    with pytest.raises(ProviderUnavailable):
        sync(connected)
    assert (integration(connected).sync_token, present(connected)) == (before, {"e1"})


@one
def test_a_calendar_that_was_turned_off_is_not_asked(side: Side) -> None:
    connected = connect(side, is_enabled=False)
    assert sync(connected).skipped == "Google Calendar is to be connected again."
    assert side.server.requests == []

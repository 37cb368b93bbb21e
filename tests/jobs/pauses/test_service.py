"""A queue is paused by a row that says since when, by whom and why, and resumed by whoever may."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.db.clock import now
from app.db.sessions import reading, transaction
from app.jobs.pauses import service
from app.jobs.pauses.errors import (
    BadPauseReason,
    NoSuchQueue,
    PauseChanged,
    PauseEndsBadly,
    QueueNeverPaused,
)
from app.topology import Queue

if TYPE_CHECKING:
    from app.jobs.pauses.models import QueuePause

pytestmark = pytest.mark.usefixtures("database")
HOSTILE = "'; DROP TABLE queue_pause; -- <script>alert(1)</script> 停止 {0} %s"


def pause(
    name: str = "emails", *, reason: str = "The bank moves.", seconds: float | None = None, by: str = "ann"
) -> bool:
    with transaction() as session:
        until = None if seconds is None else now(session) + timedelta(seconds=seconds)
        return service.pause(session, name, reason=reason, by=by, until=until)


def resume(name: str = "emails", **options: object) -> bool:
    with transaction() as session:
        return service.resume(session, name, by="ben", **options)  # type: ignore[arg-type]


def found(name: str = "emails") -> QueuePause | None:
    with reading() as session:
        return service.find(session, name)


def test_a_queue_is_paused_once_and_resumed_once() -> None:
    assert pause()
    before = found()
    assert before is not None
    assert (before.reason, before.paused_by, before.until) == ("The bank moves.", "ann", None)
    assert not pause(by="somebody else"), "the same again is nothing new"
    with reading() as session:
        assert [one.queue for one in service.paused(session)] == ["emails"]
        assert service.names_of(session.scalar(select(service.names_in_one()))) == {"emails"}
    assert resume()
    assert not resume()
    assert found() is None


def test_another_reason_or_end_changes_it_and_not_since_when_it_holds() -> None:
    pause()
    before = found()
    assert pause(reason="Another.", seconds=3600, by="cleo")
    after = found()
    assert before is not None
    assert after is not None
    assert (after.since, after.reason, after.paused_by) == (before.since, "Another.", "cleo")
    assert after.until is not None


def test_a_pause_ends_by_itself_and_the_next_one_is_new() -> None:
    pause(seconds=3600)
    with transaction() as session:
        row = service.find(session, "emails")
        assert row is not None
        row.since, row.until = row.since - timedelta(hours=2), row.since - timedelta(hours=1)
    assert found() is None
    assert not resume(), "it is over"
    pause(seconds=3600)
    with transaction() as session:
        row = service.find(session, "emails")
        assert row is not None
        row.since, row.until = row.since - timedelta(hours=2), row.since - timedelta(hours=1)
    assert pause()
    again = found()
    assert again is not None
    with reading() as session:
        assert now(session) - again.since < timedelta(hours=1)


def test_who_saw_another_pause_does_not_end_this_one() -> None:
    pause()
    seen = found()
    assert seen is not None
    with pytest.raises(PauseChanged, match="Look at it again"):
        resume(since=seen.since - timedelta(seconds=1))
    assert found() is not None
    assert resume(since=seen.since)


def test_a_hostile_reason_is_kept_as_it_is() -> None:
    assert pause(reason=HOSTILE)
    kept = found()
    assert kept is not None
    assert kept.reason == HOSTILE


@pytest.mark.parametrize("reason", ["", "  ", "\u202e\u200b", "a\x00b", "two\nlines", "\ud800", "x" * 501])
def test_a_reason_that_cannot_be_kept_pauses_nothing(reason: str) -> None:
    with pytest.raises(BadPauseReason, match="Say in one line why"):
        pause(reason=reason)
    assert found() is None


@pytest.mark.parametrize("seconds", [0.0, -1.0, -3e9, 367 * 86_400.0, 3e10])
def test_an_end_that_is_past_or_far_away_is_refused(seconds: float) -> None:
    with pytest.raises(PauseEndsBadly, match="give a time to come, at most 366 days"):
        pause(seconds=seconds)
    assert found() is None


def test_the_queue_by_which_the_service_looks_after_itself_is_never_paused() -> None:
    with pytest.raises(QueueNeverPaused, match="cannot be paused"):
        pause(Queue.MAINTENANCE)
    assert {Queue.MAINTENANCE} == service.NEVER_PAUSED


@pytest.mark.parametrize("name", ["", "email", "x" * 10_000, "' OR 1=1", "\x00", "почта", "\ud800"])
@pytest.mark.parametrize("act", [pause, resume])
def test_a_queue_that_is_not_there_is_named_in_one_sentence(name: str, act: object) -> None:
    assert callable(act)
    with pytest.raises(NoSuchQueue) as refused:
        act(name)
    said = str(refused.value)
    assert ("Did you mean" in said or "The queues are: default" in said, len(said) < 400) == (True, True)
    said.encode()

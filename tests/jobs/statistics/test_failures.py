"""Failures are grouped by task and error, and a bounded look says how far back it reached."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert

from app.db.sessions import reading, transaction
from app.jobs.ledger.models import Attempt, Outcome, State
from app.jobs.ledger.seal import MASK
from app.jobs.statistics import failures
from app.jobs.statistics.errors import UnusableSpan
from tests.jobs import samples
from tests.jobs.ends import accepted, change

if TYPE_CHECKING:
    from app.jobs.statistics.failures import Group, Groups

pytestmark = pytest.mark.usefixtures("database")

TASK = samples.greet.name
MINUTE = timedelta(minutes=1)


def fail(
    job_id: str,
    error: str | None,
    *,
    ago: timedelta = MINUTE,
    outcome: Outcome = Outcome.RETRIED,
    fence: int = 1,
    release: str = "r1",
) -> datetime:
    """An attempt of a job that ended so long ago; when that was."""
    at = datetime.now(UTC).replace(microsecond=0) - ago
    values = {"job_id": job_id, "fence": fence, "outcome": outcome, "error": error, "release": release}
    with transaction() as session:
        session.execute(insert(Attempt).values(finished_at=at, **values))
    return at


def groups(**asked: Any) -> Groups:
    with reading() as session:
        return failures.groups(session, **asked)


def only() -> Group:
    [group] = groups().groups
    return group


def test_the_same_error_of_a_task_is_one_group_with_its_times_releases_and_last_job() -> None:
    ids = accepted(3)
    first = fail(ids[0], "ValueError: row 1", ago=60 * MINUTE)
    fail(ids[1], "ValueError: row 2", ago=30 * MINUTE, release="r2")
    last = fail(ids[2], "ValueError: row 3", outcome=Outcome.LOST)
    group = only()
    assert (group.task, group.title, group.failures) == (TASK, "ValueError: row #", 3)
    assert (group.first_seen_at, group.last_seen_at) == (first, last)
    assert (group.releases, group.last_job_id, group.dead) == (["r1", "r2"], ids[2], 0)


def test_another_error_or_another_task_is_another_group_and_the_most_frequent_is_first() -> None:
    ids = accepted(4)
    change(ids[3:], task="another.task")
    fail(ids[0], "KeyError: 'a'")
    for job_id in ids[1:]:
        fail(job_id, "ValueError: 1")
    found = groups().groups
    assert [(group.task, group.title, group.failures) for group in found] == [
        (TASK, "ValueError: #", 2),
        ("another.task", "ValueError: #", 1),
        (TASK, 'KeyError: "…"', 1),
    ]
    assert len({group.fingerprint for group in found}) == 3
    assert [group.task for group in groups(task="another.task").groups] == ["another.task"]


def test_a_job_that_failed_several_times_is_dead_once() -> None:
    [job_id] = accepted()
    fail(job_id, "ValueError: 1", ago=3 * MINUTE)
    at = fail(job_id, "ValueError: 2", fence=2, outcome=Outcome.FAILED)
    change([job_id], state=State.DEAD, fence=2, finished_at=at, error="ValueError: 2")
    assert (only().failures, only().dead) == (2, 1)


def test_a_job_that_died_without_an_attempt_is_counted_too() -> None:
    [job_id] = accepted()
    at = datetime.now(UTC) - MINUTE
    change([job_id], state=State.DEAD, finished_at=at, error="UnreadableMessage: no 5")
    assert (only().title, only().failures, only().dead) == ("UnreadableMessage: no #", 1, 1)


def test_what_nobody_failed_at_is_no_failure() -> None:
    ids = accepted(3)
    fail(ids[0], None, outcome=Outcome.RELEASED)
    fail(ids[1], "Cancelled by Ann", outcome=Outcome.CANCELLED)
    change(ids[2:], state=State.CANCELLED, finished_at=datetime.now(UTC), error="expired")
    assert groups().groups == []


def test_a_bounded_look_says_how_far_back_it_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = accepted(4)
    moments = [fail(job_id, "ValueError: 1", ago=(place + 1) * MINUTE) for place, job_id in enumerate(ids)]
    assert groups().is_whole
    monkeypatch.setattr(failures, "MAX_READ", 2)
    found = groups()
    assert (found.is_whole, found.searched_back_to) == (False, moments[1])
    assert [group.failures for group in found.groups] == [2]
    monkeypatch.setattr(failures, "MAX_READ", 10)
    monkeypatch.setattr(failures, "MAX_GROUPS", 0)
    assert groups().has_more


def test_only_the_span_is_looked_at() -> None:
    ids = accepted(2)
    fail(ids[0], "ValueError: 1", ago=timedelta(days=2))
    at = fail(ids[1], "ValueError: 1", ago=timedelta(hours=2))
    assert only().failures == 1
    assert groups(begin=at + MINUTE).groups == []
    assert groups(end=at).groups == []
    assert groups(begin=datetime(1, 1, 1, tzinfo=UTC)).groups[0].failures == 2
    with pytest.raises(UnusableSpan, match="let begin come before end"):
        groups(begin=at, end=at)


def test_where_errors_are_not_to_be_shown_they_are_told_apart_by_class_alone() -> None:
    ids = accepted(3)
    fail(ids[0], "ValueError: Ann's account")
    fail(ids[1], "ValueError: Bob's address")
    fail(ids[2], "what Carl said")
    found = groups(shows=lambda task: task != TASK).groups
    assert {group.title: group.failures for group in found} == {"ValueError": 2, MASK: 1}

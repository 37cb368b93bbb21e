"""How a job that fails, or loses its process, is tried again, and when it is not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from celery.exceptions import TimeLimitExceeded
from sqlalchemy import update

from app.db.sessions import transaction
from app.jobs.ledger.models import Job, Outcome, State
from tests.fleet import of_processes
from tests.jobs.running import (
    attempts_of,
    ended,
    job_of,
    jobs_named,
    wait_for_state,
)
from tests.sample import celery_tasks, tasks

pytestmark = pytest.mark.usefixtures("service")
LONG = 60


def test_a_failure_that_may_pass_is_retried_in_the_same_row() -> None:
    result = tasks.fail_until.delay(3)
    assert result.get(timeout=LONG) == 3
    job = job_of(result.id)
    assert (job.attempt, job.fence, job.error) == (3, 3, None)
    ends = [(attempt.outcome, attempt.error) for attempt in attempts_of(result.id)]
    assert ends == [(Outcome.RETRIED, "RetryableError: not yet")] * 2


def test_a_job_between_two_attempts_is_in_retry() -> None:
    result = celery_tasks.fail_and_wait.delay()
    wait_for_state(result.id, State.SCHEDULED)
    assert result.state == "RETRY"
    result.revoke()


def test_a_pause_that_the_other_side_asks_for_is_kept() -> None:
    result = celery_tasks.fail_and_wait_as_asked.delay()
    wait_for_state(result.id, State.SCHEDULED)
    job = job_of(result.id)
    assert job.run_at
    assert job.run_at - job.accepted_at >= timedelta(hours=1)
    result.revoke()


def test_a_failure_that_may_pass_kills_the_job_after_the_last_attempt() -> None:
    job = ended(tasks.fail_until.delay(9).id)
    assert (job.state, job.attempt, job.error) == (State.DEAD, 3, "RetryableError: not yet")
    outcomes = [attempt.outcome for attempt in attempts_of(job.id)]
    assert outcomes == [Outcome.RETRIED, Outcome.RETRIED, Outcome.FAILED]


@pytest.mark.parametrize(
    ("task", "error"),
    [
        (tasks.fail_for_good, "PermanentError: no repetition mends this"),
        (tasks.has_a_bug, "ValueError: a bug"),
    ],
    ids=["permanent", "bug"],
)
def test_a_failure_that_no_repetition_mends_kills_the_job_at_once(task: Any, error: str) -> None:
    result = task.delay()
    job = ended(result.id)
    assert (job.state, job.attempt, job.error) == (State.DEAD, 1, error)
    assert result.state == "FAILURE"
    with pytest.raises(Exception, match=error.split(": ")[1]) as raised:
        result.get(timeout=LONG)
    assert type(raised.value).__name__ == error.split(": ")[0]
    assert "Traceback" in result.traceback


def test_self_retry_keeps_one_row_and_one_id() -> None:
    result = tasks.retry_itself.delay(2)
    assert result.get(timeout=LONG) == 2
    assert [attempt.outcome for attempt in attempts_of(result.id)] == [Outcome.RETRIED] * 2
    assert [job.id for job in jobs_named("sample.retry_itself")] == [result.id]


def test_self_retry_ends_at_the_tasks_own_limit() -> None:
    job = ended(tasks.retry_itself.delay(99).id)
    assert (job.state, job.attempt) == (State.DEAD, 6)
    assert "MaxRetriesExceededError" in str(job.error)


@of_processes
def test_a_child_that_dies_is_tried_until_that_happened_too_often() -> None:
    job = ended(tasks.kill_own_process.delay().id, seconds=40)
    assert (job.state, job.attempt) == (State.DEAD, 3)
    assert [attempt.outcome for attempt in attempts_of(job.id)] == [Outcome.LOST] * 3
    assert "WorkerLostError" in str(job.error)


def test_a_task_is_killed_at_its_time_limit_and_not_run_again_unless_it_says_so() -> None:
    once, twice = tasks.never_end.delay(), tasks.never_end_twice.delay()
    job, again = ended(once.id), ended(twice.id)
    assert (job.state, job.attempt) == (State.DEAD, 1)
    assert "TimeLimitExceeded: the task was killed at its hard time limit of 1 s. Give it more" in str(
        job.error
    )
    assert (again.state, again.attempt) == (State.DEAD, 2)
    with pytest.raises(TimeLimitExceeded):
        once.get(timeout=LONG)


def test_the_limit_of_celerys_own_retries_is_the_jobs() -> None:
    result = celery_tasks.persist.delay()
    assert job_of(result.id).max_attempts == 6
    job = ended(result.id)
    assert (job.state, job.attempt, job.max_attempts) == (State.DEAD, 6, 6)


def test_a_limit_that_a_retry_brings_along_is_the_jobs_from_then_on() -> None:
    job = ended(celery_tasks.insist_as_asked.delay(4).id)
    assert (job.state, job.attempt, job.max_attempts) == (State.DEAD, 5, 5)


def test_a_retry_that_is_raised_by_hand_ends_at_the_tasks_own_limit() -> None:
    job = ended(celery_tasks.retry_by_hand.delay().id)
    assert (job.state, job.attempt, job.error) == (State.DEAD, 3, "RetryableError: later")


@pytest.mark.parametrize("countdown", [1e12, "soon", True])
def test_a_retry_that_asks_for_no_time_ends_the_job_with_that_sentence(countdown: Any) -> None:
    job = ended(tasks.retry_in.delay(countdown).id)
    assert (job.state, job.attempt) == (State.DEAD, 1)
    assert f"sample.retry_in cannot be sent with countdown={countdown!r}: give a number" in str(job.error)


def test_a_job_whose_row_and_message_are_older_than_the_range_of_priorities_is_retried() -> None:
    result = tasks.retry_in.apply_async((0.1,), countdown=3600)
    with transaction() as session:
        row = {"priority": 12, "state": State.READY, "published_at": None}
        session.execute(update(Job).where(Job.id == result.id).values(**row))
    assert result.get(timeout=LONG) == 1

"""What a Celery user expects of a task, run by a real worker on the ledger."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from celery.exceptions import TaskRevokedError, TimeLimitExceeded
from celery.result import AsyncResult
from sqlalchemy import update

from app.celery_app import celery_app
from app.db.clock import clock
from app.db.sessions import transaction
from app.jobs.ledger.models import Job, Outcome, State
from app.settings.config import settings
from app.topology import Priority
from tests.jobs.running import (
    all_jobs,
    attempts_of,
    effects,
    ended,
    job_of,
    jobs_named,
    send_again,
    wait_for_state,
)
from tests.sample import celery_tasks, tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.jobs.running import Service

pytestmark = pytest.mark.usefixtures("service")
LONG = 60


def test_a_task_returns_its_value_through_celerys_own_result() -> None:
    result = tasks.add.delay(2, 3)
    assert result.get(timeout=LONG) == 5
    assert (result.state, result.successful(), result.ready()) == ("SUCCESS", True, True)
    again: Any = AsyncResult(result.id, app=celery_app)
    assert again.result == 5


def test_a_search_for_garbage_leaves_what_the_worker_loaded_shared_among_its_processes() -> None:
    assert tasks.memory_copied_by_a_search_for_garbage.delay().get(timeout=LONG) < 4 * 1024


def test_a_done_job_says_who_ran_it_and_when(service: Service) -> None:
    job = ended(tasks.add.delay(2, 3).id)
    assert job.state == State.DONE
    assert job.attempt == job.fence == 1
    assert job.worker
    assert job.worker.startswith("standard@")
    assert job.release == settings().release
    assert job.started_at
    assert job.finished_at
    assert job.accepted_at <= job.started_at <= job.finished_at
    assert job.lease_until is None


def test_an_async_function_is_awaited() -> None:
    assert tasks.double.delay(21).get(timeout=LONG) == 42


def test_an_id_that_is_no_job_is_pending_as_with_any_backend() -> None:
    assert AsyncResult(str(uuid.uuid4()), app=celery_app).state == "PENDING"


def test_a_running_job_is_started_and_reports_progress_once_it_does(tmp_path: Path) -> None:
    plain = tasks.wait_for_file.delay(str(tmp_path / "plain"))
    stepping = tasks.count_in_steps.delay(str(tmp_path / "steps"), 3)
    wait_until(lambda: (tmp_path / "plain.started").exists(), seconds=LONG, what="it runs")
    wait_until(lambda: (tmp_path / "steps.started").exists(), seconds=LONG, what="it runs")
    assert (plain.state, plain.info) == ("STARTED", None)
    assert (stepping.state, stepping.info) == ("PROGRESS", {"done": 3, "total": 3})
    (tmp_path / "plain").touch()
    (tmp_path / "steps").touch()
    assert plain.get(timeout=LONG) == "seen"
    assert stepping.get(timeout=LONG) == 4


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


def test_a_result_that_is_not_json_kills_the_job_with_the_remedy() -> None:
    job = ended(tasks.not_json.delay().id)
    assert job.state == State.DEAD
    assert str(job.error).startswith("NotJson: The result is not JSON: ")


def test_self_retry_keeps_one_row_and_one_id() -> None:
    result = tasks.retry_itself.delay(2)
    assert result.get(timeout=LONG) == 2
    assert [attempt.outcome for attempt in attempts_of(result.id)] == [Outcome.RETRIED] * 2
    assert [job.id for job in jobs_named("sample.retry_itself")] == [result.id]


def test_self_retry_ends_at_the_tasks_own_limit() -> None:
    job = ended(tasks.retry_itself.delay(99).id)
    assert (job.state, job.attempt) == (State.DEAD, 6)
    assert "MaxRetriesExceededError" in str(job.error)


def test_replace_runs_the_canvas_under_the_id_of_the_job() -> None:
    result = tasks.replace_itself.delay(5)
    assert result.get(timeout=LONG) == 16
    assert job_of(result.id).task == "sample.add"


def test_a_jobs_effect_is_there_once_it_is_done() -> None:
    tasks.record_effect.delay("kept").get(timeout=LONG)
    assert effects("kept") == ["kept"]


def test_a_job_that_fails_leaves_no_effect() -> None:
    assert ended(tasks.record_effect_and_fail.delay("undone").id).state == State.DEAD
    assert effects("undone") == []


def test_a_job_that_fails_accepts_no_further_job() -> None:
    before = len(all_jobs())
    assert ended(tasks.accept_and_fail.delay("never").id).state == State.DEAD
    assert len(all_jobs()) == before + 1
    assert effects("never") == []


def test_sensitive_arguments_are_sealed_in_the_ledger_and_never_logged(service: Service) -> None:
    secret = f"secret-{uuid.uuid4()}"
    result = tasks.length.delay("ann", password=secret)
    assert result.get(timeout=LONG) == len("ann") + len(secret)
    job = job_of(result.id)
    assert secret not in json.dumps([job.args, job.kwargs, job.options, job.context])
    assert job.kwargs["user"] == "ann"
    assert result.id in service.worker.log.read_text()
    assert secret not in service.worker.log.read_text()
    assert secret.encode() not in b"".join(path.read_bytes() for path in service.redis.folder.rglob("*.aof"))


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


def test_a_job_that_waits_for_one_that_it_hides_is_told_so_at_once() -> None:
    hidden, seen = celery_tasks.wait_for_child.delay(False), celery_tasks.wait_for_child.delay(True)
    assert "belongs to a transaction that is not committed" in str(ended(hidden.id).error)
    assert ended(seen.id).state == State.DONE


def test_a_soft_time_limit_of_one_call_is_kept(tmp_path: Path) -> None:
    result = tasks.wait_for_file.apply_async((str(tmp_path / "never"),), soft_time_limit=1)
    job = ended(result.id)
    assert job.state == State.DEAD
    assert "SoftTimeLimitExceeded" in str(job.error)


def test_a_countdown_is_a_row_and_runs_when_it_is_due(service: Service) -> None:
    result = tasks.add.apply_async((1, 1), countdown=1.5)
    job = job_of(result.id)
    assert (job.state, job.published_at) == (State.SCHEDULED, None)
    assert result.state == "PENDING"
    assert result.get(timeout=LONG) == 2
    done = job_of(result.id)
    assert done.started_at
    assert done.started_at - done.accepted_at >= timedelta(seconds=1.5)


@pytest.mark.parametrize("countdown", [1e12, "soon", True])
def test_a_retry_that_asks_for_no_time_ends_the_job_with_that_sentence(countdown: Any) -> None:
    job = ended(tasks.retry_in.delay(countdown).id)
    assert (job.state, job.attempt) == (State.DEAD, 1)
    assert f"sample.retry_in cannot be sent with countdown={countdown!r}: give a number" in str(job.error)


def test_an_eta_is_kept_to_the_moment() -> None:
    moment = datetime.now(UTC) + timedelta(hours=1)
    result = tasks.add.apply_async((1, 1), eta=moment)
    assert job_of(result.id).run_at == moment
    result.revoke()


def test_a_job_that_expired_before_anybody_began_it_is_cancelled() -> None:
    result = tasks.add.apply_async((1, 1), countdown=60, expires=0.5)
    job = ended(result.id)
    assert (job.state, job.error) == (State.CANCELLED, "expired")
    assert str(result.state) == "REVOKED"


def test_the_ledgers_clock_decides_about_expiry_and_not_the_workers() -> None:
    result = tasks.add.apply_async((1, 1), countdown=3600, expires=7200)
    with transaction() as session:
        ready = {"state": State.READY, "published_at": clock()}
        session.execute(update(Job).where(Job.id == result.id).values(**ready))
    long_ago = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    send_again(result.id, expires=long_ago)
    assert ended(result.id).state == State.DONE


def test_a_job_whose_row_and_message_are_older_than_the_range_of_priorities_is_retried() -> None:
    result = tasks.retry_in.apply_async((0.1,), countdown=3600)
    with transaction() as session:
        row = {"priority": 12, "state": State.READY, "published_at": None}
        session.execute(update(Job).where(Job.id == result.id).values(**row))
    assert result.get(timeout=LONG) == 1


def test_queue_and_priority_of_a_call_are_kept() -> None:
    result = tasks.add.apply_async((1, 1), queue="discounts", priority=Priority.URGENT)
    assert result.get(timeout=LONG) == 2
    job = job_of(result.id)
    assert (job.queue, job.priority) == ("discounts", Priority.URGENT)


def test_a_waiting_job_that_is_revoked_never_runs() -> None:
    result = tasks.record_effect.apply_async(("revoked",), countdown=3600)
    result.revoke()
    wait_for_state(result.id, State.CANCELLED)
    assert str(result.state) == "REVOKED"
    with pytest.raises(TaskRevokedError):
        result.get(timeout=LONG)


def test_a_running_job_goes_on_when_it_is_revoked_and_stops_when_it_is_terminated(tmp_path: Path) -> None:
    result = tasks.wait_for_file.delay(str(tmp_path / "never"))
    wait_until((tmp_path / "never.started").exists, seconds=LONG, what="it runs")
    result.revoke()
    assert result.state == "STARTED"
    result.revoke(terminate=True)
    assert str(result.state) == "REVOKED"
    assert [attempt.outcome for attempt in attempts_of(result.id)] == [Outcome.CANCELLED]
    (tmp_path / "never").touch()


def test_a_call_of_the_function_runs_it_here() -> None:
    before = len(all_jobs())
    assert tasks.add(2, 2) == 4
    assert tasks.double(4) == 8
    assert len(all_jobs()) == before


def test_apply_runs_the_task_here_and_commits_its_effects() -> None:
    assert tasks.add.apply((2, 2)).get() == 4
    tasks.record_effect.apply(("eagerly",))
    assert effects("eagerly") == ["eagerly"]


def test_apply_of_a_task_that_fails_leaves_no_effect() -> None:
    with pytest.raises(ValueError, match="after the effect"):
        tasks.record_effect_and_fail.apply(("eager-undone",)).get()
    assert effects("eager-undone") == []


def test_a_light_task_runs_without_a_row(service: Service, tmp_path: Path) -> None:
    before = len(all_jobs())
    tasks.touch.delay(str(tmp_path / "light"))
    wait_until((tmp_path / "light").exists, seconds=LONG, what="the non-durable task ran")
    assert len(all_jobs()) == before


def test_a_plain_celery_task_is_durable_unchanged() -> None:
    result = celery_tasks.greet.delay("ann")
    assert result.get(timeout=LONG) == "hello ann"
    assert job_of(result.id).state == State.DONE
    assert celery_tasks.insist.delay(2).get(timeout=LONG) == 2


def test_a_message_of_a_producer_without_ledger_is_adopted(service: Service) -> None:
    """Rule three of the ledger: a row is claimed before anything runs, so such a job gets its row first."""
    result = send_as_plain_celery(service, "sample.record_effect", ("adopted",))
    wait_until(lambda: effects("adopted"), seconds=LONG, what="the foreign job ran")
    job = ended(str(result.id))
    assert (job.state, job.task, job.queue, job.args) == (
        State.DONE,
        "sample.record_effect",
        "default",
        ["adopted"],
    )


def test_an_adopted_job_is_retried_like_any_other(service: Service) -> None:
    result = send_as_plain_celery(service, "sample.fail_until", (3,))
    wait_until(lambda: jobs_with_id(result.id), seconds=LONG, what="the foreign job is adopted")
    job = ended(str(result.id))
    assert (job.state, job.attempt, job.result) == (State.DONE, 3, 3)


def test_an_adopted_job_keeps_its_chain_and_its_secrets(service: Service) -> None:
    follow = tasks.add.s(1).set(task_id=str(uuid.uuid4()))
    result = send_as_plain_celery(service, "sample.length", ("ann", "secret"), chain=[follow])
    wait_until(lambda: jobs_with_id(follow.id), seconds=LONG, what="the next link is accepted")
    assert ended(str(follow.id)).result == 10
    assert "secret" not in json.dumps([job_of(str(result.id)).args, job_of(str(result.id)).kwargs])


def test_a_foreign_message_that_asks_for_too_much_ends_as_a_dead_job(service: Service) -> None:
    result = send_as_plain_celery(service, "sample.record_effect", ("x" * 300_000,))
    wait_until(lambda: jobs_with_id(result.id), seconds=LONG, what="the foreign job is in the ledger")
    job = ended(str(result.id))
    assert (job.state, job.task) == (State.DEAD, "sample.record_effect")
    assert "The arguments of sample.record_effect take 300006 bytes as JSON" in str(job.error)


def test_the_same_foreign_message_twice_runs_once(service: Service) -> None:
    job_id = str(uuid.uuid4())
    for _ in range(2):
        send_as_plain_celery(service, "sample.record_effect", ("adopted-once",), task_id=job_id)
    wait_until(lambda: effects("adopted-once"), seconds=LONG, what="the foreign job ran")
    service.wait_until_drained()
    assert effects("adopted-once") == ["adopted-once"]


def send_as_plain_celery(
    service: Service, name: str, args: tuple[Any, ...], **options: Any
) -> AsyncResult[Any]:
    plain = Celery("plain", broker=service.redis.url, set_as_current=False)
    plain.conf.broker_transport_options = celery_app.conf.broker_transport_options
    result = plain.send_task(name, args, queue="default", ignore_result=False, **options)
    plain.close()
    return result


def jobs_with_id(job_id: str | None) -> list[str]:
    return [job.id for job in all_jobs() if job.id == job_id]

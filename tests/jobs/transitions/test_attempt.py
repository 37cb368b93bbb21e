"""An attempt: its effects and its finish are one transaction, and only the holder may make it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text, update

from app.db.sessions import reading, transaction
from app.jobs.errors import LeaseLost, NoJobRunning
from app.jobs.ledger import store
from app.jobs.ledger.models import Job, State
from app.jobs.transitions import attempt
from app.jobs.transitions.attempt import checkpoint, job_session
from tests.jobs.running import all_jobs, effects, job_of
from tests.sample import tasks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.jobs.transitions.attempt import RunningJob

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def job() -> Iterator[RunningJob]:
    """A job that this process has claimed."""
    with transaction() as session:
        session.execute(text("CREATE TABLE effect (name text NOT NULL)"))
    accepted = tasks.record_effect.delay("ignored")
    running = attempt.begin(job_id=str(accepted.id), attempt=0, worker="here")
    assert running
    yield running
    attempt.end_current()


def write(name: str) -> None:
    job_session().execute(text("INSERT INTO effect (name) VALUES (:name)"), {"name": name})


def give_to_another(job: RunningJob) -> None:
    """What recovery and another worker do after the lease has ended."""
    with transaction() as session:
        session.execute(update(Job).values(state=State.READY, attempt=0))
    assert store.claim(store.connection(), [store.Message(job.id, 0)], worker="elsewhere")


@pytest.mark.parametrize("use", [job_session, checkpoint], ids=["job_session", "checkpoint"])
def test_what_needs_a_running_job_says_so_outside_of_one(use: object) -> None:
    assert callable(use)
    with pytest.raises(NoJobRunning, match="works only while a worker runs a durable job"):
        use()


def test_effects_and_finish_are_seen_together(job: RunningJob) -> None:
    write("effect")
    with reading():
        assert (effects(), job_of(job.id).state) == ([], State.RUNNING)
    job.finish('"value"')
    assert (effects(), job_of(job.id).state, job_of(job.id).result) == (["effect"], State.DONE, "value")


def test_a_stale_finisher_is_refused_and_its_effects_are_undone(job: RunningJob) -> None:
    give_to_another(job)
    write("stale")
    with pytest.raises(LeaseLost, match=r"no longer this worker's.*rolled back"):
        job.finish("1")
    assert effects() == []
    assert (job_of(job.id).state, job_of(job.id).worker) == (State.RUNNING, "elsewhere")


def test_a_stale_finisher_accepts_no_further_job(job: RunningJob) -> None:
    give_to_another(job)
    tasks.add.delay(1, 1)
    with pytest.raises(LeaseLost):
        job.finish(None)
    assert [found.id for found in all_jobs()] == [job.id]


def test_a_checkpoint_keeps_what_was_done_so_far(job: RunningJob) -> None:
    write("first half")
    checkpoint({"done": 1})
    write("second half")
    job.roll_back()
    assert effects() == ["first half"]
    assert job_of(job.id).progress == {"done": 1}


def test_a_checkpoint_of_a_lost_lease_is_refused_and_undoes_what_came_before(job: RunningJob) -> None:
    write("kept")
    checkpoint()
    give_to_another(job)
    write("undone")
    with pytest.raises(LeaseLost):
        checkpoint({"done": 2})
    assert effects() == ["kept"]


def test_a_report_commits_no_effect(job: RunningJob) -> None:
    write("not yet")
    job.report(json.dumps({"done": 1}))
    job.roll_back()
    assert effects() == []


def test_jobs_accepted_by_a_job_are_there_with_its_finish(job: RunningJob) -> None:
    write("effect")
    tasks.add.delay(1, 1)
    assert [found.id for found in all_jobs()] == [job.id]
    job.finish(None)
    assert {found.task for found in all_jobs()} == {"sample.record_effect", "sample.add"}


def test_a_message_that_may_not_run_begins_nothing(job: RunningJob) -> None:
    attempt.end_current()
    assert attempt.begin(job_id=job.id, attempt=0, worker="elsewhere") is None
    assert attempt.current() is None

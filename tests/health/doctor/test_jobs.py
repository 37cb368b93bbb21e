"""What the doctor says about jobs that wait for a person."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from app.db.sessions import transaction
from app.health.doctor import jobs
from app.health.doctor.finding import Level
from app.jobs.ledger.models import Job, State
from app.jobs.pauses import service as pauses
from tests.jobs import samples

pytestmark = pytest.mark.usefixtures("database")


def test_paused_queues_are_named_with_who_has_paused_them_and_why() -> None:
    assert jobs.no_queue_is_paused().level is Level.OK
    with transaction() as session:
        pauses.pause(session, "emails", reason="The bank moves.", by="ann")
    finding = jobs.no_queue_is_paused()
    assert finding.level is Level.WARNING
    assert finding.sentence.endswith("by ann: The bank moves.")
    assert "groundwork queues resume emails" in (finding.fix or "")


def test_dead_jobs_are_named_by_their_tasks() -> None:
    assert jobs.no_job_is_dead().level is Level.OK
    ids = [samples.greet.delay("Ada").id for _ in range(3)]
    with transaction() as session:
        session.execute(update(Job).where(Job.id.in_(ids[:2])).values(state=State.DEAD))
    finding = jobs.no_job_is_dead()
    assert finding.level is Level.WARNING
    assert f"2 jobs are dead: {samples.greet.name} (2)." in finding.sentence
    assert "groundwork jobs list --state dead" in (finding.fix or "")


def test_a_release_full_of_faults_is_told_of_in_one_line() -> None:
    ids = [samples.greet.delay("Ada").id for _ in range(8)]
    with transaction() as session:
        for number, job_id in enumerate(ids):
            values = {"state": State.DEAD, "task": f"elsewhere.task{number}"}
            session.execute(update(Job).where(Job.id == job_id).values(**values))
    assert "and 3 more tasks" in jobs.no_job_is_dead().sentence

"""Claims and finishes in batches: each job for itself, whatever its neighbours are."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from app.db.sessions import transaction
from app.jobs.celery import forks
from app.jobs.ledger import store
from app.jobs.ledger.models import Job, State
from tests.jobs.celery.batches.writing import accepted, fetched, writing
from tests.jobs.running import attempts_of, job_of
from tests.servers import wait_until

if TYPE_CHECKING:
    from tests.jobs.celery.batches.writing import Writing

pytestmark = pytest.mark.usefixtures("database")


def test_jobs_are_claimed_for_this_worker_and_those_that_cannot_be_come_back_without() -> None:
    first, unknown, second = accepted(), fetched("nobody"), accepted()
    with writing() as found:
        answers = found.claim(first, unknown, second, fetched(first.id, attempt=1))
    assert [one.claim is not None for one in answers] == [True, False, True, False]
    assert {job_of(one.id).state for one in (first, second)} == {State.RUNNING}


def test_a_job_with_one_attempt_left_is_not_claimed_ahead() -> None:
    last = accepted()
    with transaction() as session:
        session.execute(update(Job).where(Job.id == last.id).values(max_attempts=1))
    with writing() as found:
        [answer] = found.claim(last)
    assert answer.claim is None
    assert job_of(last.id).state == State.READY


def test_finishes_say_when_the_jobs_began() -> None:
    job = accepted()
    with writing() as found:
        [claimed] = found.claim(job)
        claimed.claimed_at -= 30
        found.finish((claimed, "1"))
    row = job_of(job.id)
    assert (row.state, row.result) == (State.DONE, 1)
    assert row.started_at
    assert row.finished_at
    assert row.finished_at - row.started_at == pytest.approx(timedelta(seconds=30), abs=timedelta(seconds=10))


@pytest.mark.databases("postgresql")  # which alone looks at what it is given for JSON
def test_one_end_that_cannot_be_written_keeps_no_other_waiting() -> None:
    jobs = [accepted() for _ in range(3)]
    with writing() as found:
        claimed = found.claim(*jobs)
        found.finish(*zip(claimed, ("1", "{no JSON", "3"), strict=True))
    rows = [job_of(job.id) for job in jobs]
    assert [row.state for row in rows] == [State.DONE, State.DEAD, State.DONE]
    assert "json" in str(rows[1].error)


def test_a_finish_after_the_lease_is_lost_changes_nothing() -> None:
    job = accepted()
    with writing() as found:
        [claimed] = found.claim(job)
        _give_to_another(job.id)
        found.finish((claimed, "1"))
    row = job_of(job.id)
    assert (row.state, row.result, row.worker) == (State.RUNNING, None, "another")


def _give_to_another(job_id: str) -> None:
    with transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(worker="another", fence=Job.fence + 1))


def test_what_has_not_begun_is_ready_again_and_no_attempt_is_counted() -> None:
    job = accepted()
    with writing() as found:
        [claimed] = found.claim(job)
        found.writer.release([claimed], offer=True)
        wait_until(lambda: found.released == [job.id], seconds=20, what="the release")
        row = job_of(job.id)
        assert (row.state, row.attempt, row.worker, row.started_at) == (State.READY, 0, None, None)
        assert row.published_at
        assert attempts_of(job.id) == []
        [again] = found.claim(fetched(job.id))
    assert again.claim
    assert again.claim.fence == 2


def test_what_cannot_go_back_to_the_broker_is_left_for_beat_to_send() -> None:
    job = accepted()
    with writing() as found:
        [claimed] = found.claim(job)
        found.writer.release([claimed], offer=False)
        wait_until(lambda: job_of(job.id).published_at is None, seconds=20, what="the release")
    assert found.released == []
    assert job_of(job.id).state == State.READY


def test_forks_go_before_a_writer_with_work_without_end() -> None:
    job = accepted()
    with writing() as found, _busy(found):
        for _ in range(5):
            assert forks.at_work.begin_fork()
            forks.at_work.end_fork()
        assert store.is_done(store.connection(), job_id=job.id, fence=1) is False


class _busy:  # noqa: N801 (reads as what it is in a `with`)
    def __init__(self, found: Writing) -> None:
        self._found = found
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._order)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _order(self) -> None:
        while not self._is_over.is_set():
            self._found.writer.note_begun([("nobody", 1, 0.0)])

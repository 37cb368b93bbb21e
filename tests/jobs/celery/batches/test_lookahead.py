"""A worker that claims ahead: what has not begun is nobody's loss."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from app.db.sessions import reading, transaction
from app.jobs.accept import accept
from app.jobs.celery.control import ask_to_stop
from app.jobs.factory import new_job
from app.jobs.ledger.models import Job, State
from app.jobs.service import JobStateConflict, cancel_job
from app.worker.order import Order
from tests.jobs.running import attempts_of, ended, job_of, wait_for_state
from tests.sample import tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fleet import Fleet, Process

pytestmark = [
    pytest.mark.databases("postgresql"),
    pytest.mark.redis_only(reason="RabbitMQ sends messages without being asked"),
]

#: So many short jobs give a worker the pace at which it claims ahead what is behind them.
SHORT, BEHIND = 300, 60


def fill(*jobs: tuple[str, dict[str, object]]) -> list[str]:
    """Accept these at once, so that they follow each other in the queue."""
    with transaction() as session:
        return [one.id for one in accept(session, [new_job(name, kwargs=kwargs) for name, kwargs in jobs])]


def short(count: int) -> list[tuple[str, dict[str, object]]]:
    return [("sample.add", {"x": 1, "y": number}) for number in range(count)]


def long(path: Path) -> tuple[str, dict[str, object]]:
    return "sample.wait_for_file", {"path": str(path)}


def running() -> set[str]:
    with reading() as session:
        return {job.id for job in session.query(Job).where(Job.state == State.RUNNING)}


def test_what_was_claimed_behind_a_long_job_goes_to_a_worker_that_is_free(
    fleet: Fleet, tmp_path: Path
) -> None:
    fleet.start_worker("first", processes=1)
    ids = fill(*short(SHORT), long(tmp_path / "go"), *short(BEHIND))
    wait_until((tmp_path / "go.started").exists, seconds=60, what="the long job runs")
    fleet.start_worker("second", processes=1)
    for job_id in ids[-BEHIND:]:
        assert ended(job_id).state == State.DONE
    assert job_of(ids[SHORT]).state == State.RUNNING
    assert not any(attempts_of(job_id) for job_id in ids)
    (tmp_path / "go").touch()
    ended(ids[SHORT])


def test_a_worker_that_drains_gives_back_what_has_not_begun(fleet: Fleet, tmp_path: Path) -> None:
    first = fleet.start_worker("first", processes=1)
    ids = fill(*short(SHORT), long(tmp_path / "go"), *short(BEHIND))
    wait_until((tmp_path / "go.started").exists, seconds=60, what="the long job runs")
    os.kill(first.popen.pid, Order.DRAIN.value)
    wait_until(lambda: running() == {ids[SHORT]}, seconds=20, what="the others are given back")
    fleet.start_worker("second", processes=1)
    for job_id in ids[-BEHIND:]:
        assert ended(job_id).attempt == 1
    (tmp_path / "go").touch()
    assert ended(ids[SHORT]).attempt == 1
    wait_until(lambda: first.popen.poll() == 0, seconds=20, what="the first has ended")


@pytest.fixture
def stalled(fleet: Fleet, tmp_path: Path) -> tuple[Process, list[str]]:
    """A worker that stands still with claimed jobs, of which only the first has begun."""
    worker = fleet.start_worker("first", processes=1)
    ids = fill(*short(SHORT), long(tmp_path / "go"), *short(BEHIND))
    wait_until((tmp_path / "go.started").exists, seconds=60, what="the long job runs")
    os.kill(worker.popen.pid, signal.SIGSTOP)
    return worker, ids


def test_a_job_that_is_cancelled_after_its_claim_does_not_begin(
    stalled: tuple[Process, list[str]], tmp_path: Path
) -> None:
    worker, ids = stalled
    claimed = []
    for job_id in sorted(running() - {ids[SHORT]}):
        # The last statement before it stood still may have ended one meanwhile.
        with suppress(JobStateConflict), transaction() as session:
            cancel_job(session, job_id=job_id, reason="not wanted")
            claimed.append(job_id)
        assert ask_to_stop(job_id)
    assert claimed, "it has looked ahead"
    (tmp_path / "go").touch()
    os.kill(worker.popen.pid, signal.SIGCONT)
    for job_id in ids:
        job = ended(job_id, seconds=30)
        assert (job.state, job.result is None) == (
            (State.CANCELLED, True) if job_id in claimed else (State.DONE, job.result is None)
        )


def test_a_worker_that_stood_still_begins_nothing_that_is_anothers_now(
    fleet: Fleet, configure: Callable[..., None], tmp_path: Path
) -> None:
    configure(lease_seconds=30)
    worker = fleet.start_worker("first", processes=1)
    ids = fill(*short(SHORT), long(tmp_path / "go"), *short(BEHIND))
    wait_until((tmp_path / "go.started").exists, seconds=60, what="the long job runs")
    os.kill(worker.popen.pid, signal.SIGSTOP)
    taken = update(Job).where(Job.state == State.RUNNING, Job.id != ids[SHORT]).returning(Job.id)
    with transaction() as session:
        claimed = set(session.scalars(taken.values(worker="another", fence=Job.fence + 1)))
    assert claimed, "it has looked ahead"
    (tmp_path / "go").touch()
    os.kill(worker.popen.pid, signal.SIGCONT)
    for job_id in set(ids) - claimed:
        assert ended(job_id).attempt == 1
    assert {job_of(job_id).state for job_id in claimed} <= {State.RUNNING}


def test_what_is_not_claimed_ahead_follows_at_once_all_the_same(fleet: Fleet, tmp_path: Path) -> None:
    ids = fill(*short(BEHIND))
    with transaction() as session:
        session.execute(update(Job).where(Job.id.in_(ids)).values(max_attempts=1))
    for number in range(BEHIND):
        tasks.touch.delay(str(tmp_path / f"touched-{number}"))
    fleet.start_worker("first", processes=1)
    # Asked for one by one, they would take a second each.
    wait_until(lambda: len(list(tmp_path.glob("touched-*"))) == BEHIND, seconds=20, what="all are touched")
    for job_id in ids:
        assert ended(job_id).state == State.DONE


def test_a_job_that_runs_on_began_when_it_did(fleet: Fleet, tmp_path: Path) -> None:
    fleet.start_worker("first", processes=1)
    first = str(tasks.wait_for_file.delay(str(tmp_path / "go")).id)
    wait_until((tmp_path / "go.started").exists, seconds=20, what="it runs")
    claimed = wait_for_state(first, State.RUNNING).started_at
    wait_until(lambda: job_of(first).started_at != claimed, seconds=20, what="its beginning is noted")
    (tmp_path / "go").touch()
    assert ended(first).state == State.DONE

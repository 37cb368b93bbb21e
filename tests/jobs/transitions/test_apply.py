"""The end of an attempt: two processes may report it, and it is recorded once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sqlalchemy import text

from app.db.sessions import reading, transaction
from app.jobs.ledger.models import State
from app.jobs.transitions import attempt, rules
from app.jobs.transitions.apply import end_attempt, held_by, held_with
from tests.jobs.running import attempts_of, job_of
from tests.sample import tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable


def test_an_end_that_child_and_main_process_report_at_once_is_recorded_once(
    configure: Callable[..., None], postgres_url: str, redis_url: str
) -> None:
    configure(database_url=postgres_url, redis_url=redis_url)
    running = attempt.begin(job_id=str(tasks.add.delay(1, 1).id), attempt=0, worker="here")
    assert running

    def report_as_main_process() -> bool:
        guard = held_by(job_id=running.id, worker="here")
        with transaction() as session:
            return end_attempt(session, job_id=running.id, guard=guard, transition=rules.dead("killed"))

    with ThreadPoolExecutor(1) as main_process, transaction() as session:
        guard = held_with(job_id=running.id, fence=running.fence)
        assert end_attempt(session, job_id=running.id, guard=guard, transition=rules.dead("ended itself"))
        second = main_process.submit(report_as_main_process)
        wait_until(is_somebody_waiting, seconds=20, what="the second report waits for the first")
        session.commit()
        assert second.result(timeout=20) is False
    attempt.end_current()
    assert [ended.error for ended in attempts_of(running.id)] == ["ended itself"]
    assert job_of(running.id).state == State.DEAD


def is_somebody_waiting() -> bool:
    with reading() as session:
        waiting = session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))
    return bool(waiting)

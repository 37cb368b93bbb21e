"""A paused queue is left alone by real workers, whatever happens to them, and then all of it is done once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.db.clock import now
from app.db.sessions import reading, transaction
from app.jobs.accept import accept
from app.jobs.celery.control import tell_of_pauses
from app.jobs.celery.pauses import known, learning
from app.jobs.factory import new_job
from app.jobs.ledger.models import Job, State
from app.jobs.pauses import service
from app.jobs.transitions.overdue import count_overdue
from app.jobs.transitions.recover import broker_lists
from app.topology import Kind
from tests.fleet import POOL
from tests.jobs.running import attempts_of, effects, ended, job_of
from tests.sample import tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.fleet import Fleet, Process

pytestmark = pytest.mark.databases("postgresql")
#: So many short jobs give a worker the pace at which it claims ahead what is behind them.
SHORT, BEHIND = 300, 60


@pytest.fixture(autouse=True)
def _nothing_left_out() -> Iterator[None]:
    yield
    known.leave_out(frozenset())


def pause(*, seconds: float | None = None, told: bool = True) -> None:
    with transaction() as session:
        until = None if seconds is None else now(session) + timedelta(seconds=seconds)
        service.pause(session, "default", reason="The bank moves.", by="ann", until=until)
    if told:
        assert tell_of_pauses()


def resume() -> None:
    with transaction() as session:
        assert service.resume(session, "default", by="ann")
    assert tell_of_pauses()


def wait_until_known(worker: Process, *, times: int = 1) -> None:
    """Until the worker has heard of so many changes."""
    wait_until(
        lambda: worker.log.read_text().count("queues_paused") >= times, seconds=20, what="the worker knows"
    )


def states(ids: list[str]) -> set[str]:
    return {job_of(job_id).state for job_id in ids}


def others_are_done() -> None:
    """Queues that are not paused are drained."""
    assert ended(tasks.add.apply_async((1, 2), queue="discounts").id).state == State.DONE


@pytest.mark.parametrize("kind", list(Kind))
def test_what_waits_in_a_paused_queue_is_done_once_after_it_was_resumed(
    fleet: Fleet, tmp_path: Path, kind: Kind
) -> None:
    worker = fleet.start_worker(kind=kind)
    running = tasks.wait_for_file.delay(str(tmp_path / "go")).id
    wait_until((tmp_path / "go.started").exists, seconds=20, what="the job runs")
    pause()
    wait_until_known(worker)
    waiting = [tasks.record_effect.delay(f"{number}").id for number in range(20)]
    tasks.write_down.delay(str(tmp_path / "light"), 1)
    others_are_done()
    (tmp_path / "go").touch()
    assert ended(running).state == State.DONE, "what runs goes on"
    others_are_done()
    assert states(waiting) == {State.READY}
    with reading() as session:
        assert sum(count_overdue(session, broker_lists()).values()) == 0

    worker.kill()
    again = fleet.start_worker("again", kind=kind)
    wait_until_known(again)
    others_are_done()
    assert states(waiting) == {State.READY}, "one that starts knows before it takes a job"
    assert not (tmp_path / "light").exists()

    resume()
    for job_id in waiting:
        assert ended(job_id).state == State.DONE
    wait_until((tmp_path / "light").exists, seconds=20, what="the non-durable task has run")
    assert effects() == sorted(f"{number}" for number in range(20))
    assert not any(attempts_of(job_id) for job_id in waiting)


def test_a_worker_that_is_killed_while_its_queue_is_paused_takes_no_job_with_it(
    fleet: Fleet, tmp_path: Path
) -> None:
    fleet.start_beat()
    worker = fleet.start_worker()
    ids = [tasks.record_effect.delay(f"{number:03}").id for number in range(200)]
    ended(ids[20])
    pause()
    worker.kill()
    again = fleet.start_worker("again")
    wait_until_known(again)
    wait_until(lambda: State.RUNNING not in states(ids), seconds=20, what="the killed one's jobs are back")
    resume()
    for job_id in ids:
        assert ended(job_id).state == State.DONE
    assert effects() == [f"{number:03}" for number in range(200)]


@pytest.mark.redis_only(reason="RabbitMQ sends messages without being asked")
@pytest.mark.skipif(POOL != "prefork", reason="it is the children of a pool that are claimed for")
def test_what_is_claimed_ahead_of_a_queue_goes_back_when_that_is_paused(fleet: Fleet, tmp_path: Path) -> None:
    worker = fleet.start_worker(processes=1)
    short: list[tuple[str, dict[str, Any]]] = [
        ("sample.add", {"x": 1, "y": number}) for number in range(SHORT + BEHIND)
    ]
    jobs = [*short[:SHORT], ("sample.wait_for_file", {"path": str(tmp_path / "go")}), *short[SHORT:]]
    with transaction() as session:
        ids = [one.id for one in accept(session, [new_job(name, kwargs=kwargs) for name, kwargs in jobs])]
    wait_until((tmp_path / "go.started").exists, seconds=60, what="the long job runs")
    pause()
    wait_until_known(worker)

    def runs() -> set[str]:
        with reading() as session:
            return {job.id for job in session.query(Job).where(Job.state == State.RUNNING)}

    wait_until(lambda: runs() == {ids[SHORT]}, seconds=10, what="the others are given back")
    (tmp_path / "go").touch()
    assert ended(ids[SHORT]).state == State.DONE
    others_are_done()
    assert states(ids[SHORT + 1 :]) == {State.READY}
    resume()
    for job_id in ids:
        assert ended(job_id).state == State.DONE
    assert not any(attempts_of(job_id) for job_id in ids)


def test_a_pause_is_heard_by_the_heartbeat_alone_and_ends_by_itself(fleet: Fleet) -> None:
    worker = fleet.start_worker()
    pause(seconds=4, told=False)
    wait_until_known(worker)
    job_id = tasks.add.delay(1, 2).id
    others_are_done()
    assert job_of(job_id).state == State.READY
    assert ended(job_id).state == State.DONE


@pytest.mark.usefixtures("database")
def test_a_worker_takes_nothing_before_the_ledger_has_told_it_what_is_paused(
    configure: Callable[..., None],
) -> None:
    pause(told=False)
    learning._ask()
    assert known.left_out() == {"default"}
    configure(database_url="postgresql://nobody@127.0.0.1:1/nothing")
    learning._ask()
    assert known.left_out() == learning.ALL

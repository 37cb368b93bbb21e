"""Why a job waits: each cause, made on purpose, is named in one sentence with its figures."""

from __future__ import annotations

import socket
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select, text, update

from app.db.clock import clock
from app.db.sessions import reading, transaction
from app.jobs.broker import redis
from app.jobs.declaration import partitions
from app.jobs.ledger import held, store
from app.jobs.ledger.models import Job, State, Turn, Worker
from app.jobs.pauses import service as pauses
from app.jobs.pauses.models import QueuePause
from app.jobs.publish import sent
from app.jobs.service import cancel_job, detail_of, retry_job
from app.jobs.waits import causes, looks, on_its_way
from app.jobs.waits.causes import Cause, Wait
from app.jobs.waits.why import why
from app.settings.config import settings
from tests.jobs.running import accept_many, job_of
from tests.sample import tasks
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    Configure = Callable[..., None]

pytestmark = pytest.mark.usefixtures("database")

WORKER = "standard@here#1"
PACED = partitions.paced("shop", per_minute=1)


def accepted(number: int = 1, **options: Any) -> list[str]:
    with transaction():
        return [str(tasks.add.apply_async((1, 1), **options).id) for _ in range(number)]


def one(*, options: dict[str, Any] | None = None, **values: Any) -> str:
    """A job with `values` in its row."""
    [job_id] = accepted(**(options or {}))
    if values:
        set_rows(job_id, **values)
    return job_id


def set_rows(*ids: str, **values: Any) -> None:
    with transaction() as session:
        session.execute(update(Job).where(Job.id.in_(ids)).values(**values))


def start_worker(
    *, node: str = "standard@here", concurrency: int = 1, seen: float = 0.0, **values: Any
) -> None:
    """A worker's row, as its heartbeat would have written it so many seconds ago."""
    times = {"started_at": clock(-1000.0), "seen_at": clock(-seen), "beat_seconds": 5.0}
    row = {"name": f"{node}#1", "node": node, "release": "r1", "concurrency": concurrency, **times, **values}
    with transaction() as session:
        session.execute(insert(Worker).values(row))


def claim(job_id: str) -> None:
    assert store.claim(store.connection(), [store.Message(job_id, 0)], worker=WORKER)


def wait_of(job_id: str, **options: Any) -> Wait:
    with reading() as session:
        found = why(session, session.get_one(Job, job_id), **options)
    assert found is not None
    return found


def due_later(_: Configure) -> str:
    return one(options={"countdown": 3600})


def retried_later(_: Configure) -> str:
    return one(options={"countdown": 60}, attempt=2, max_attempts=5)


def a_link_of_a_chain(_: Configure) -> str:
    return one(options={"countdown": 60}, run_at=None)


def due_just_now(_: Configure) -> str:
    return one(options={"countdown": 60}, run_at=clock(-1))


def expired(_: Configure) -> str:
    return one(expires_at=clock(-1))


def put_off_by_a_worker_that_does_not_know_its_task(_: Configure) -> str:
    start_worker()
    job_id = one()
    sent.offer_later(job_id)
    return job_id


def in_a_queue_that_is_gone(_: Configure) -> str:
    return one(queue="gone")


def in_a_paused_queue(_: Configure) -> str:
    with transaction() as session:
        pauses.pause(session, "default", reason="The bank moves.", by="ann")
    return one()


def one_too_many_at_once(_: Configure) -> str:
    return accept_many(tasks.occupy.name, "a", times=3)[-1]


def beyond_a_rate(_: Configure) -> str:
    with transaction() as session:
        session.add(Turn(partition=PACED, taken_at=datetime.now(UTC)))
    return one(published_at=None, partition=PACED)


def in_a_long_partition(_: Configure) -> str:
    return accept_many(tasks.serve.name, "a", times=held.WINDOW + 1)[-1]


def held_where_there_is_room(_: Configure) -> str:
    return one(published_at=None, partition=PACED)


def without_a_broker(configure: Configure) -> str:
    job_id = one()
    configure(redis_url=f"redis://127.0.0.1:{free_port()}/0")
    return job_id


def in_a_full_queue(configure: Configure) -> str:
    configure(queue_depth_limit=100)
    ids = accepted(101)
    set_rows(ids[-1], published_at=None)
    return ids[-1]


def not_sent_yet(_: Configure) -> str:
    return one(published_at=None)


def lost_by_the_broker(_: Configure) -> str:
    job_id = one(published_at=clock(-settings().lost_after_seconds - 1))
    redis.client().flushdb()
    return job_id


def without_a_worker(_: Configure) -> str:
    start_worker(seen=500)
    start_worker(node="bulk@here")
    return one()


def behind_others(_: Configure) -> str:
    start_worker()
    return accepted(3)[-1]


def where_all_are_busy(_: Configure) -> str:
    start_worker()
    claim(one())
    return one()


def the_next(_: Configure) -> str:
    start_worker()
    return one()


def of_a_worker_that_is_lost(_: Configure) -> str:
    job_id = one()
    claim(job_id)
    set_rows(job_id, lease_until=clock(-1))
    return job_id


def without_beat(_: Configure) -> str:
    return one(options={"countdown": 60}, run_at=clock(-120))


def of_another_hand(_: Configure) -> str:
    if not settings().is_sqlite:
        pytest.skip("PostgreSQL takes only numbers for a priority")
    job_id = one()
    with transaction() as session:
        session.execute(text("UPDATE job SET priority = 'high' WHERE id = :id"), {"id": job_id})
    return job_id


MADE: dict[Cause, Callable[[Configure], str]] = {
    Cause.DUE_LATER: due_later,
    Cause.RETRIES_LATER: retried_later,
    Cause.AFTER_OTHERS: a_link_of_a_chain,
    Cause.BECOMING_READY: due_just_now,
    Cause.EXPIRED: expired,
    Cause.UNKNOWN_TASK: put_off_by_a_worker_that_does_not_know_its_task,
    Cause.UNKNOWN_QUEUE: in_a_queue_that_is_gone,
    Cause.PAUSED: in_a_paused_queue,
    Cause.CONCURRENCY: one_too_many_at_once,
    Cause.RATE: beyond_a_rate,
    Cause.PARTITION: in_a_long_partition,
    Cause.BEING_ADMITTED: held_where_there_is_room,
    Cause.BROKER_AWAY: without_a_broker,
    Cause.QUEUE_FULL: in_a_full_queue,
    Cause.BEING_PUBLISHED: not_sent_yet,
    Cause.MESSAGE_LOST: lost_by_the_broker,
    Cause.NO_WORKER: without_a_worker,
    Cause.BEHIND_OTHERS: behind_others,
    Cause.ALL_BUSY: where_all_are_busy,
    Cause.NEXT: the_next,
    Cause.WORKER_LOST: of_a_worker_that_is_lost,
    Cause.BEAT_AWAY: without_beat,
    Cause.UNREADABLE: of_another_hand,
}


@pytest.mark.redis_only(reason="it takes messages out of Redis, and has it away")
@pytest.mark.parametrize("cause", Cause)
def test_each_cause_is_named_in_one_sentence(cause: Cause, configure: Configure) -> None:
    job_id = MADE[cause](configure)
    found = wait_of(job_id)
    assert found.cause is cause, found.sentence
    assert found.sentence[0].isupper()
    assert found.sentence.endswith(".")
    assert ". " not in found.sentence
    with reading() as session:
        detail = detail_of(session, job_id=job_id)
    # Another look a moment later; its figures may be others.
    assert detail.wait_cause is cause
    assert detail.waits_for
    assert detail.wait_figures is not None


@pytest.mark.parametrize("state", [State.RUNNING, State.DONE, State.DEAD, State.CANCELLED])
def test_what_runs_or_has_ended_does_not_wait(state: State) -> None:
    job_id = one(state=state, lease_until=clock(60))
    with reading() as session:
        detail = detail_of(session, job_id=job_id)
    assert (detail.waits_for, detail.wait_cause, detail.wait_figures) == (None, None, None)


def test_the_figures_are_those_of_the_sentence() -> None:
    start_worker()
    done = accepted(20)
    set_rows(*done, state=State.DONE, finished_at=clock(-10))
    ids = accepted(5)
    for number, job_id in enumerate(ids):
        set_rows(job_id, published_at=clock(number - 10.0))
    found = wait_of(ids[-1])
    assert found.figures["before"] == 4
    assert found.figures["per_second"] == pytest.approx(2, rel=0.3)
    assert found.figures["seconds"] == pytest.approx(2, rel=0.3)
    assert 'In the queue "default", up to 4 others are before it' in found.sentence


def test_the_more_urgent_are_before_it_and_those_of_other_queues_are_not() -> None:
    start_worker()
    [job_id] = accepted(priority=6)
    accepted(2, priority=0)
    accepted(3, priority=9)
    accepted(4, queue="emails")
    assert wait_of(job_id).figures["before"] == 2


def test_more_than_anybody_counts_is_said_to_be_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "MAX_COUNTED", 3)
    for module in (causes, on_its_way):
        monkeypatch.setattr(module, "MAX_COUNTED", 3)
    start_worker()
    found = wait_of(accepted(10)[-1])
    assert found.figures["before"] == 4
    assert "more than 3 others" in found.sentence


def test_the_job_that_runs_longest_is_named() -> None:
    start_worker(concurrency=2)
    first, second = accepted(2)
    claim(first)
    claim(second)
    set_rows(second, started_at=clock(-3600 * 3))
    found = wait_of(one())
    assert (found.cause, found.figures["longest"]) == (Cause.ALL_BUSY, second)
    assert f"{second} of {tasks.add.name}, has for 3 hours" in found.sentence


def test_a_worker_that_is_no_pools_may_drain_any_queue_and_one_that_signed_off_none() -> None:
    job_id = one()
    start_worker(signed_off=True)
    assert wait_of(job_id).cause is Cause.NO_WORKER
    start_worker(node="mine@here")
    assert wait_of(job_id).cause is Cause.NEXT


def test_a_partition_says_for_whom_its_limit_holds_and_nothing_of_the_argument() -> None:
    ids = accept_many(tasks.occupy.name, "tenant a secret", times=4)
    claim(ids[0])
    found = wait_of(ids[-1])
    assert found.figures == {"concurrency": 2, "running": 1, "ready": 1, "before": 1}
    assert "Of its task, 2 may run at once for each tenant" in found.sentence
    assert "secret" not in found.sentence


def test_a_rate_says_how_long_that_takes() -> None:
    with transaction() as session:
        session.add(Turn(partition=PACED, taken_at=datetime.now(UTC)))
    ids = accepted(3)
    set_rows(*ids, published_at=None, partition=PACED)
    found = wait_of(ids[-1])
    assert (found.figures["rate"], found.figures["before"], found.figures["seconds"]) == ("1/m", 2, 180)


def test_a_paused_queue_says_since_and_until_when_by_whom_and_why() -> None:
    job_id = one(run_at=clock(-3600))
    with transaction() as session:
        until = datetime(2099, 1, 2, 3, 4, 5, tzinfo=UTC)
        session.add(
            QueuePause(
                queue="default",
                since=until - timedelta(days=30_000),
                until=until,
                reason="x",
                paused_by="ann",
            )
        )
    found = wait_of(job_id)
    assert (found.cause, found.figures["by"], found.figures["until"]) == (Cause.PAUSED, "ann", until)
    assert found.sentence.startswith('Its queue "default" is paused since 2016-')
    assert found.sentence.endswith("until 2099-01-02 03:04:05 UTC, by ann: x.")
    assert wait_of(one(options={"queue": "emails"})).cause is not Cause.PAUSED


def test_a_job_of_a_limited_task_that_only_another_release_knows_says_so() -> None:
    job_id = one(task="later.release", published_at=None, partition="later.release:")
    assert wait_of(job_id).cause is Cause.UNKNOWN_TASK
    start_worker()
    assert wait_of(one(task="later.release")).cause is Cause.UNKNOWN_TASK


def test_held_jobs_that_nobody_admits_though_there_is_room_say_that_beat_is_away() -> None:
    job_id = one(published_at=None, partition=PACED, run_at=clock(-120))
    assert wait_of(job_id).cause is Cause.BEAT_AWAY
    with transaction() as session:
        session.add(Turn(partition=PACED, taken_at=datetime.now(UTC) - timedelta(seconds=61)))
    assert wait_of(job_id).cause is Cause.BEAT_AWAY
    with transaction() as session:
        session.execute(update(Turn).values(taken_at=clock(-20)))
    assert wait_of(job_id).cause is Cause.RATE


def test_one_that_is_to_expire_says_when() -> None:
    job_id = one(options={"countdown": 60}, expires_at=clock(300))
    found = wait_of(job_id)
    assert found.figures["expires_at"] == job_of(job_id).expires_at
    assert "and it expires if it has not begun by" in found.sentence


@pytest.mark.redis_only(reason="it has Redis away")
def test_who_holds_locks_waits_for_no_broker(configure: Configure) -> None:
    start_worker()
    job_id = one()
    configure(redis_url=f"redis://127.0.0.1:{free_port()}/0")
    with transaction() as session:
        cancel_job(session, job_id=job_id, reason="test")
        retry_job(session, job_id=job_id)
        detail = detail_of(session, job_id=job_id, asks_broker=False)
    assert detail.wait_cause is Cause.NEXT


@pytest.mark.redis_only(reason="it stands for a Redis that says nothing")
def test_a_broker_that_says_nothing_is_asked_once_by_all_who_look(configure: Configure) -> None:
    job_id = one()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        configure(redis_url=f"redis://127.0.0.1:{silent.getsockname()[1]}/0", publish_timeout_ms=20)
        assert {wait_of(job_id).cause for _ in range(20)} == {Cause.BROKER_AWAY}
        assert 1 <= _connections(silent) <= TRIES


#: The client tries again after a connection that said nothing.
TRIES = 2


def _connections(server: socket.socket) -> int:
    """How many connections were opened to a server that has answered none."""
    server.setblocking(False)
    found = 0
    with suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            found += 1
    return found


def test_far_times_are_told_as_well() -> None:
    far = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    job_id = one(options={"countdown": 60}, run_at=far, expires_at=far)
    assert "9999-12-31 23:59:59 UTC" in wait_of(job_id).sentence


def test_every_job_of_the_ledger_that_waits_has_a_reason() -> None:
    accepted(3)
    accepted(2, countdown=60)
    accept_many(tasks.serve.name, "a", times=held.WINDOW + 2)
    with reading() as session:
        assert all(why(session, job) for job in session.scalars(select(Job)))

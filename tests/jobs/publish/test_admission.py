"""Admission: what may not begin yet is held in the ledger, and goes to the broker when there is room."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from app.db.clock import clock
from app.db.sessions import reading, transaction
from app.jobs.accept import accept
from app.jobs.declaration import partitions, registry
from app.jobs.declaration.admission import Limits
from app.jobs.factory import new_job
from app.jobs.ledger import held, store
from app.jobs.ledger.models import Attempt, Job, State
from app.jobs.publish.admission import Round, admit_now
from app.jobs.service import cancel_job, detail_of
from app.jobs.transitions import recover
from app.jobs.waits.causes import Cause
from tests.jobs.broker import waiting
from tests.jobs.running import accept_many, all_jobs, ended, job_of, send_again
from tests.sample import tasks
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fleet import Fleet
    from tests.servers import RedisServer

pytestmark = pytest.mark.usefixtures("database")
ENOUGH = timedelta(seconds=10)


def admitted() -> Counter[str]:
    """How many of each tenant have a message in the broker."""
    rows = [job for job in all_jobs() if job.state == State.READY and job.published_at]
    return Counter(job.kwargs["tenant"] for job in rows)


def claim(job_id: str) -> bool:
    return bool(store.claim(store.connection(), [store.Message(job_id, 0)], worker="here"))


def finish(job_id: str) -> None:
    assert store.finish(store.connection(), [store.Finish(job_id, job_of(job_id).fence, None)])


def go_round() -> None:
    Round().go_on(for_=ENOUGH)


def key_of(tenant: Any) -> str:
    return partitions.key_of(registry.spec_of(tasks.knock.name), (tenant,), {})


def test_a_flood_fills_its_window_and_another_tenant_gets_in_at_once() -> None:
    accept_many(tasks.serve.name, "flood", times=1000)
    accept_many(tasks.serve.name, "small", times=5)
    assert admitted() == {"flood": held.WINDOW, "small": 5}


def test_many_partitions_of_one_batch_are_admitted_at_once_and_gone_round_later() -> None:
    tenants = [f"tenant {number}" for number in range(250)]
    accept_many(tasks.serve.name, *tenants, times=4)
    assert admitted() == dict.fromkeys(tenants, 4)
    accept_many(tasks.serve.name, *tenants, times=6)
    with transaction() as session:
        session.execute(update(Job).values(state=State.DONE).where(Job.published_at.is_not(None)))
    go_round()
    assert admitted() == dict.fromkeys(tenants, 2)


def test_the_window_is_what_takes_a_second_and_is_filled_when_half_of_it_is_left() -> None:
    ids = accept_many(tasks.serve.name, "a", times=120)
    with transaction() as session:
        began = {"state": State.DONE, "started_at": clock(), "published_at": clock()}
        session.execute(update(Job).values(**began).where(Job.id.in_(ids[:40])))
    go_round()
    assert admitted() == {"a": 40}
    for count, left in ((10, 30), (20, 40)):
        with transaction() as session:
            sent = select(Job.id).where(Job.state == State.READY, Job.published_at.is_not(None)).limit(count)
            gone = {"state": State.CANCELLED, "started_at": None}
            session.execute(update(Job).values(**gone).where(Job.id.in_(sent)))
            session.execute(update(Job).values(started_at=clock()).where(Job.id.in_(ids[:40])))
        go_round()
        assert admitted() == {"a": left}


def test_the_most_urgent_of_a_partition_goes_first() -> None:
    accept_many(tasks.serve.name, "a", times=held.WINDOW)
    later = tasks.serve.apply_async(kwargs={"tenant": "a"}, priority=6).id
    urgent = tasks.serve.apply_async(kwargs={"tenant": "a"}, priority=0).id
    with transaction() as session:
        session.execute(update(Job).values(state=State.DONE).where(Job.published_at.is_not(None)))
        session.execute(update(Job).values(accepted_at=clock(-60)).where(Job.id == later))
    with transaction() as session:
        room = {key_of("a").replace(tasks.knock.name, tasks.serve.name): 1}
        assert held.take(store.under(session), room) == [urgent]


def test_jobs_of_the_same_partition_are_known_by_position_name_and_seal() -> None:
    tasks.knock.delay("secret tenant", "secret word")
    tasks.knock.delay(tenant="secret tenant")
    [key] = {job.partition for job in all_jobs()}
    assert key == key_of("secret tenant")
    assert "secret" not in key


def test_a_job_whose_arguments_do_not_fit_ends_by_itself(fleet: Fleet) -> None:
    fleet.start_worker()
    with transaction() as session:
        [answer] = accept(session, [new_job(tasks.serve.name)])
    assert "missing" in str(ended(answer.id).error)


def test_plain_jobs_are_in_no_partition() -> None:
    job = job_of(tasks.add.delay(1, 2).id)
    assert (job.partition, job.published_at is None) == (None, False)


def test_whoever_looks_at_a_held_job_is_told_what_it_waits_for() -> None:
    first, *_, last = accept_many(tasks.serve.name, "a", times=held.WINDOW + 1)
    with reading() as session:
        assert detail_of(session, job_id=first).wait_cause is Cause.NO_WORKER
        assert detail_of(session, job_id=last).wait_cause is Cause.PARTITION


def test_a_held_job_is_not_claimed_by_a_stray_message(redis_server: RedisServer) -> None:
    *_, last = accept_many(tasks.serve.name, "a", times=held.WINDOW + 1)
    send_again(last)
    assert last in waiting(redis_server)
    assert not claim(last)
    assert job_of(last).state == State.READY


def test_no_more_run_at_once_than_the_task_says_and_the_next_gets_the_place_of_one_that_ends() -> None:
    first, second, third = accept_many(tasks.occupy.name, "a", times=3)
    assert claim(first)
    assert claim(second)
    go_round()
    assert job_of(third).published_at is None
    finish(first)
    go_round()
    assert claim(third)


def test_many_who_look_for_room_at_once_admit_no_more_than_there_is() -> None:
    accept_many(tasks.occupy.name, *"abc", times=10)
    with transaction() as session:
        session.execute(update(Job).values(published_at=None))
    barrier = threading.Barrier(6)

    def look(_: int) -> None:
        barrier.wait()
        go_round()
        admit_now([job.partition for job in all_jobs() if job.partition])
        store.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(look, range(6)))
    assert admitted() == {"a": 2, "b": 2, "c": 2}


@pytest.mark.parametrize("end", [State.DEAD, State.CANCELLED])
def test_whatever_becomes_of_a_job_its_place_is_free(end: State) -> None:
    first, second, third = accept_many(tasks.occupy.name, "a", times=3)
    with transaction() as session:
        session.execute(update(Job).values(state=end).where(Job.id == first))
        cancel_job(session, job_id=second, reason="a person said so")
    go_round()
    assert job_of(third).published_at


def test_no_more_begin_within_the_window_than_the_rate_allows() -> None:
    ids = accept_many(tasks.knock.name, "a", times=30)
    for job_id in ids[: held.WINDOW]:
        assert claim(job_id)
        finish(job_id)
    go_round()
    assert admitted() == {"a": 10 - held.WINDOW}
    with transaction() as session:
        session.execute(update(Job).values(started_at=clock(-1.5)).where(Job.state == State.DONE))
    go_round()
    assert admitted() == {"a": held.WINDOW}


def test_an_attempt_that_failed_counts_as_one_that_began() -> None:
    for job_id in accept_many(tasks.knock.name, "a", times=12)[: held.WINDOW]:
        assert claim(job_id)
    with transaction() as session:
        for job in session.scalars(select(Job).where(Job.state == State.RUNNING)):
            spent = {"job_id": job.id, "fence": job.fence, "started_at": job.started_at}
            session.add(
                Attempt(**spent, partition=job.partition, finished_at=job.started_at, outcome="retried")
            )
            job.state = State.SCHEDULED
    go_round()
    assert sum(admitted().values()) == 10 - held.WINDOW


@pytest.mark.parametrize(("seconds", "room"), [(0.5, False), (3600, True)])
def test_a_clock_that_was_set_back_holds_up_nobody_for_long(seconds: float, room: bool) -> None:
    ids = accept_many(tasks.knock.name, "a", times=20)
    with transaction() as session:
        done = {"state": State.DONE, "started_at": clock(seconds)}
        session.execute(update(Job).values(**done).where(Job.id.in_(ids[:10])))
    go_round()
    assert bool(admitted()) is room


@pytest.mark.redis_only(reason="it looks into Redis, or ends it")
def test_what_a_broker_that_is_away_did_not_take_is_held_and_admitted_later(
    configure: Callable[..., None], redis_server: RedisServer
) -> None:
    configure(redis_url=f"redis://127.0.0.1:{free_port()}/0")
    job_id = tasks.serve.delay(tenant="a").id
    assert job_of(job_id).published_at is None
    configure(redis_url=redis_server.url)
    go_round()
    assert waiting(redis_server) == [job_id]


@pytest.mark.redis_only(reason="it looks into Redis, or ends it")
def test_a_row_that_makes_no_message_is_left_to_recovery_and_holds_up_no_other(
    redis_server: RedisServer,
) -> None:
    bad, *_ = ids = accept_many(tasks.serve.name, "a", times=held.WINDOW)
    with transaction() as session:
        session.execute(update(Job).values(published_at=None))
        session.execute(update(Job).values(options={"headers": 5}).where(Job.id == bad))
    go_round()
    assert all(job_of(job_id).published_at for job_id in ids)
    with transaction() as session:
        session.execute(update(Job).values(published_at=clock(-60)))
    redis_server.client().flushall()
    recover.republish_lost(recover.broker_lists() or [])
    assert job_of(bad).state == State.DEAD
    assert set(waiting(redis_server)) == set(ids) - {bad}


def test_a_changed_declaration_holds_for_what_was_accepted_before() -> None:
    declared = registry.spec_of(tasks.occupy.name)
    accept_many(declared.name, "a", times=6)
    assert admitted() == {"a": 2}
    try:
        registry.declare(replace(declared, limits=Limits(concurrency=4, partition_by="tenant")))
        go_round()
        assert admitted() == {"a": 4}
        registry.declare(replace(declared, limits=None))
        go_round()
        assert admitted() == {"a": 6}
    finally:
        registry.declare(declared)


def test_jobs_of_a_task_that_only_another_release_knows_are_left_to_that() -> None:
    accept_many(tasks.serve.name, "a", times=held.WINDOW + 1)
    with transaction() as session:
        session.execute(update(Job).values(partition="sample.unheard_of:1", published_at=None))
    go_round()
    admit_now(["sample.unheard_of:1"])
    assert admitted() == {}

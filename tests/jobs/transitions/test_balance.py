"""The balance: each job that was ever accepted is in it once, whatever was done with it since."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.db.clock import now
from app.db.sessions import reading, transaction
from app.jobs import service
from app.jobs.ledger.models import State
from app.jobs.statistics import samples
from app.jobs.transitions import rollup, sampling
from app.jobs.transitions.balance import Balance, balance
from app.jobs.transitions.sampling import EVERY, EVERY_IDLE, Sampler
from app.topology import Queue
from tests.jobs.ends import accepted, change, finish, roll_up

pytestmark = pytest.mark.usefixtures("database")
LONG_AGO, NOW = timedelta(hours=2), timedelta(0)


def counted(cap: int | None = None) -> Balance:
    with reading() as session:
        return balance(session, cap=cap)


def prune() -> int:
    with transaction() as session:
        return rollup.prune(session, before=now(session))


def test_what_is_done_is_counted_once_before_and_after_the_roll_up_and_when_it_is_deleted() -> None:
    finish(accepted(3), ago=LONG_AGO)
    waits = accepted(2)
    for _ in range(2):
        assert (counted().states["done"], counted().accepted) == (3, 5)
        roll_up()
    finish(waits[:1], ago=NOW)
    assert (counted().states["done"], counted().states["ready"], counted().accepted) == (4, 1, 5)
    assert prune() == 3
    assert (counted().states["done"], counted().accepted) == (4, 5)


def test_what_was_cancelled_is_counted_once_though_it_is_brought_back_or_deleted() -> None:
    ids = accepted(3)
    finish(ids, ago=LONG_AGO, state=State.CANCELLED)
    roll_up()
    with transaction() as session:
        service.retry_job(session, job_id=ids[0])
    assert (counted().states["cancelled"], counted().states["ready"]) == (2, 1)
    finish(ids[:1], ago=LONG_AGO, state=State.DEAD)
    assert prune() == 2
    assert (counted().states["cancelled"], counted().states["dead"], counted().accepted) == (2, 1, 3)


def test_what_is_many_is_counted_so_far_and_said_to_be_more() -> None:
    finish(accepted(2), ago=LONG_AGO)
    roll_up()
    accepted(3)
    finish(accepted(1), ago=NOW)
    found = counted(cap=2)
    (queue,) = (name for name, count in found.queues.items() if count)
    assert [str(count) for count in (found.states["ready"], found.queues[queue])] == ["2+", "2+"]
    assert [str(found.states[state]) for state in ("done", "dead")] == ["3", "0"]
    assert not found.is_whole
    assert counted(cap=3).is_whole
    assert counted(cap=3).states == counted().states


def test_a_sample_holds_what_was_counted_and_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    with reading() as session:
        assert samples.last(session) is None
    [late, _] = accepted(2)
    change([late], queue="no-such-queue")
    with reading() as session:
        due = now(session) - timedelta(hours=1)
    change(accepted(1), state=State.SCHEDULED, run_at=due)
    sampling.take()
    with reading() as session:
        found = samples.last(session)
    assert found is not None
    assert found.states == counted().states
    assert found.queues["no-such-queue"] == 1
    assert found.overdue["not_promoted"] == 1
    assert found.age < timedelta(minutes=1)
    monkeypatch.setattr(samples, "KEPT", timedelta(seconds=-1))
    roll_up()
    prune()
    with reading() as session:
        assert samples.last(session) is None


def test_samples_are_taken_seldom_where_nothing_is_open_or_each_takes_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passed = [1_000.0]
    monkeypatch.setattr("app.jobs.transitions.sampling.time.monotonic", lambda: passed[0])
    sampler = Sampler()

    def every() -> float:
        began = passed[0]
        sampler.take()
        while not sampler.is_due:
            passed[0] += 1
        return passed[0] - began

    assert sampler.is_due
    assert every() == EVERY_IDLE.total_seconds()
    accepted(1)
    assert every() == EVERY.total_seconds()
    slow = sampling.take

    def take() -> Balance:
        passed[0] += 2
        return slow()

    monkeypatch.setattr(sampling, "take", take)
    assert every() == 2 / sampling.SHARE


def test_queues_are_all_those_of_the_topology_and_any_other_that_has_jobs() -> None:
    assert set(counted(cap=1).queues) == {queue.value for queue in Queue}
    assert counted().queues == {}

"""The hot statements: what is claimed, finished and extended by whom, by the database's clock."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from sqlalchemy import update

from app.db.clock import clock, now
from app.db.sessions import reading, transaction
from app.jobs.ledger import inserting, store
from app.jobs.ledger.models import Job, State
from app.jobs.ledger.new_job import NewJob
from app.jobs.ledger.store import Finish, Message
from app.settings.config import settings
from tests.jobs.running import job_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Engine

pytestmark = pytest.mark.usefixtures("database")


def new(number: int = 0, **values: Any) -> NewJob:
    return NewJob(id=f"job-{number}", task="sample.add", queue="default", priority=6, **values)


def accept(*jobs: NewJob) -> list[inserting.Stored]:
    return inserting.insert(store.connection(), jobs)


def claim(*ids: str, attempt: int = 0, worker: str = "first") -> list[store.Claim]:
    return store.claim(store.connection(), [Message(job_id, attempt) for job_id in ids], worker=worker)


def set_row(job_id: str, **values: Any) -> None:
    with transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(**values))


def database_now() -> datetime:
    with reading() as session:
        return now(session)


def test_a_job_is_accepted_ready_and_counts_as_sent_by_the_databases_clock() -> None:
    before = database_now()
    [stored] = accept(new())
    job = job_of("job-0")
    assert job.state == State.READY
    assert before <= job.accepted_at <= database_now()
    assert job.accepted_at == job.run_at == job.published_at
    assert stored.published == pytest.approx(job.accepted_at.timestamp(), abs=0.001)


@pytest.mark.parametrize(
    "later",
    [lambda: {"delay_seconds": 60.0}, lambda: {"run_at": datetime.now(UTC) + timedelta(minutes=1)}],
    ids=["delay", "moment"],
)
def test_a_job_for_later_is_scheduled_and_does_not_count_as_sent(later: Callable[[], dict[str, Any]]) -> None:
    [stored] = accept(new(**later()))
    job = job_of("job-0")
    assert (job.state, job.published_at, stored.published) == (State.SCHEDULED, None, None)
    assert job.run_at
    assert timedelta(seconds=50) < job.run_at - job.accepted_at < timedelta(seconds=70)


def test_a_moment_that_has_passed_is_now() -> None:
    accept(new(run_at=datetime.now(UTC) - timedelta(days=1)))
    assert job_of("job-0").state == State.READY


def test_an_expiry_in_seconds_counts_from_the_acceptance() -> None:
    [stored] = accept(new(expires_seconds=90.0))
    job = job_of("job-0")
    assert job.expires_at
    assert job.expires_at - job.accepted_at == timedelta(seconds=90)
    assert stored.expires
    assert datetime.fromisoformat(stored.expires) == job.expires_at


def test_a_known_id_or_key_is_left_out_of_the_answer() -> None:
    accept(new(1, key="k"))
    assert [row.id for row in accept(new(1), new(2, key="k"), new(3))] == ["job-3"]


def test_a_thousand_jobs_are_one_statement() -> None:
    jobs = [new(number, args=f"[{number}]", key=f"key {number}") for number in range(1000)]
    assert {row.id for row in accept(*jobs)} == {job.id for job in jobs}
    assert len(claim(*[job.id for job in jobs])) == 1000


def test_jobs_of_one_statement_may_differ_in_everything() -> None:
    moment = datetime.now(UTC) + timedelta(hours=1)
    plain = new(0)
    odd = NewJob(
        id='a "job"\\',
        task="sample.double",
        queue="discounts",
        priority=0,
        args='["ü", "{\\"}"]',
        kwargs='{"a": null}',
        options='{"shadow": "x"}',
        context='{"request_id": "r"}',
        group_id="g",
        key="k,{}",
        digest="d",
        run_at=moment,
        expires_at=moment,
        max_attempts=7,
    )
    first, second = accept(plain, odd)
    assert (first.id, second.id, second.published) == (plain.id, odd.id, None)
    job = job_of(odd.id)
    for name in (
        "task",
        "queue",
        "priority",
        "key",
        "digest",
        "group_id",
        "max_attempts",
        "run_at",
        "expires_at",
    ):
        assert getattr(job, name) == getattr(odd, name), name
    for name in ("args", "kwargs", "options", "context"):
        assert getattr(job, name) == json.loads(getattr(odd, name)), name
    assert (job_of(plain.id).key, job_of(plain.id).options, job_of(plain.id).args) == (None, None, [])


@pytest.mark.databases("postgresql")
def test_a_fresh_id_is_taken_at_its_word() -> None:
    accept(new(1))
    with pytest.raises(psycopg.errors.UniqueViolation):
        accept(new(1, fresh=True))
    assert accept(new(1, fresh=True, key="k")) == []


def test_a_claim_makes_the_job_this_workers_for_the_length_of_a_lease() -> None:
    accept(new())
    [claimed] = claim("job-0")
    assert (claimed.fence, claimed.attempt) == (1, 1)
    job = job_of("job-0")
    assert (job.state, job.worker, job.attempt, job.fence) == (State.RUNNING, "first", 1, 1)
    assert job.started_at
    assert job.lease_until
    length = job.lease_until - job.started_at
    assert length.total_seconds() == pytest.approx(settings().lease_seconds, abs=1)


@pytest.mark.parametrize("state", [state for state in State if state != State.READY])
def test_only_a_ready_job_can_be_claimed(state: State) -> None:
    accept(new())
    set_row("job-0", state=state)
    assert claim("job-0") == []


def test_an_older_copy_of_a_message_claims_nothing() -> None:
    accept(new())
    set_row("job-0", attempt=2)
    assert claim("job-0", attempt=1) == []
    assert [row.attempt for row in claim("job-0", attempt=2)] == [3]


def test_an_expired_job_cannot_be_claimed() -> None:
    accept(new(expires_seconds=60.0))
    set_row("job-0", expires_at=clock(-1))
    assert claim("job-0") == []


def test_an_unknown_job_cannot_be_claimed() -> None:
    assert claim("nobody's") == []


def test_of_many_workers_at_once_one_claims_each_job(database: Engine) -> None:
    ids = [f"job-{number}" for number in range(50)]
    accept(*[new(number) for number in range(50)])
    barrier = threading.Barrier(4)
    claimed: list[str] = []

    def take(worker: str) -> None:
        barrier.wait()
        for job_id in ids:
            claimed.extend(row.id for row in claim(job_id, worker=worker))
        store.close()

    run_together([lambda name=name: take(name) for name in "abcd"])
    assert sorted(claimed) == sorted(ids)


def run_together(actions: Sequence[Any]) -> None:
    threads = [threading.Thread(target=action) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_finish_needs_the_fence_of_the_claim_that_holds() -> None:
    accept(new())
    [first] = claim("job-0")
    set_row("job-0", state=State.READY, attempt=0)
    [second] = claim("job-0", worker="second")
    assert store.finish(store.connection(), [Finish("job-0", first.fence, "1")]) == set()
    assert store.finish(store.connection(), [Finish("job-0", second.fence, "2")]) == {"job-0"}
    assert store.finish(store.connection(), [Finish("job-0", second.fence, "3")]) == set()
    assert (job_of("job-0").state, job_of("job-0").result) == (State.DONE, 2)


def test_many_finishes_are_one_statement_and_each_is_judged_by_itself() -> None:
    accept(*[new(number) for number in range(3)])
    fences = {row.id: row.fence for row in claim("job-0", "job-1", "job-2")}
    finishes = [Finish("job-0", fences["job-0"], None), Finish("job-1", 99, None), Finish("job-2", 1, '"x"')]
    assert store.finish(store.connection(), finishes) == {"job-0", "job-2"}


def test_a_worker_extends_only_the_leases_it_holds() -> None:
    accept(*[new(number) for number in range(3)])
    claim("job-0")
    claim("job-1", worker="second")
    set_row("job-0", lease_until=clock(1))
    before = job_of("job-1").lease_until
    extended = store.extend(store.connection(), ids=["job-0", "job-1", "job-2"], worker="first")
    assert extended == {"job-0"}
    assert lease_left("job-0") > settings().lease_seconds - 5
    assert job_of("job-1").lease_until == before


def lease_left(job_id: str) -> float:
    until = job_of(job_id).lease_until
    assert until
    return (until - database_now()).total_seconds()


def test_a_checkpoint_keeps_progress_and_extends_the_lease() -> None:
    accept(new())
    [held] = claim("job-0")
    set_row("job-0", lease_until=clock(1))
    assert store.checkpoint(store.connection(), job_id="job-0", fence=held.fence, progress='{"done": 1}')
    assert store.checkpoint(store.connection(), job_id="job-0", fence=held.fence, progress=None)
    assert job_of("job-0").progress == {"done": 1}
    assert lease_left("job-0") > settings().lease_seconds - 5


def test_a_checkpoint_with_an_old_fence_is_refused() -> None:
    accept(new())
    [held] = claim("job-0")
    assert not store.checkpoint(store.connection(), job_id="job-0", fence=held.fence - 1, progress="{}")
    assert job_of("job-0").progress is None

"""Unique jobs: who asks for the same is given the job that there is, and nothing asked for is lost."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, group
from sqlalchemy import delete, select, text, update

from app.db.clock import clock
from app.db.sessions import reading, transaction
from app.jobs import unique
from app.jobs.accept import accept
from app.jobs.celery.task import task
from app.jobs.errors import UnusableUniqueness
from app.jobs.factory import new_job
from app.jobs.ledger import store
from app.jobs.ledger.models import Job, JobUnique, State
from tests.api_client import client_for
from tests.jobs.running import all_jobs, ended, job_of, wait_for_state
from tests.sample import tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fleet import Fleet

pytestmark = pytest.mark.usefixtures("database")


def ids() -> list[str]:
    return [job.id for job in all_jobs()]


def put_into(state: State, *, job_id: str) -> None:
    with transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(state=state))


def claim(job_id: str) -> bool:
    return bool(store.claim(store.connection(), [store.Message(job_id, 0)], worker="here"))


def test_one_that_waits_stands_for_all_who_ask_for_the_same() -> None:
    first = tasks.index_pages.delay("shop")
    asked = [
        tasks.index_pages.delay(site="shop"),
        tasks.index_pages.delay("shop", 1),
        tasks.index_pages.apply_async(("shop",), countdown=60),
        tasks.index_pages.delay("blog"),
        tasks.index_pages.delay("shop", 2),
    ]
    assert [result.id == first.id for result in asked] == [True, True, True, False, False]
    assert len(ids()) == 3


def test_one_that_has_begun_is_no_longer_queued() -> None:
    first = tasks.index_pages.delay("shop").id
    assert claim(first)
    second = tasks.index_pages.delay("shop").id
    assert second != first
    assert tasks.index_pages.delay("shop").id == second


@pytest.mark.parametrize("state", [State.DONE, State.DEAD, State.CANCELLED])
def test_one_that_runs_stands_for_all_until_it_has_ended(state: State) -> None:
    first = tasks.rebuild.delay("x").id
    assert claim(first)
    assert tasks.rebuild.delay("x").id == first
    put_into(state, job_id=first)
    assert tasks.rebuild.delay("x").id != first


@pytest.mark.parametrize(
    ("state", "stands"),
    [
        (State.READY, True),
        (State.RUNNING, True),
        (State.DONE, True),
        (State.DEAD, False),
        (State.CANCELLED, False),
    ],
)
def test_for_a_time_one_that_did_not_fail_stands_for_all(state: State, stands: bool) -> None:
    first = tasks.greet.delay("Ada", token="secret").id
    put_into(state, job_id=first)
    assert (tasks.greet.delay("Ada", token="secret").id == first) is stands
    assert tasks.greet.delay("Ada", token="another").id != first


def test_the_time_is_that_of_the_databases_clock() -> None:
    first = tasks.greet.delay("Ada").id
    with transaction() as session:
        session.execute(update(JobUnique).values(until=clock(-1)))
    assert tasks.greet.delay("Ada").id != first


def test_a_key_tells_nothing_of_what_is_secret() -> None:
    tasks.greet.delay("Ada", token="a secret word")
    with reading() as session:
        [key] = session.scalars(select(JobUnique.key))
    assert key.startswith(f"{tasks.greet.name}:")
    assert "secret" not in key
    assert "Ada" not in key


def test_a_batch_keeps_one_of_those_that_are_the_same() -> None:
    jobs = [new_job(tasks.index_pages.name, kwargs={"site": site}) for site in ["a", "b", "a", "a", "b"]]
    with transaction() as session:
        answers = accept(session, jobs)
    assert [answer.created for answer in answers].count(True) == 2
    assert {answer.id for answer in answers} == set(ids())
    assert answers[0].id == answers[2].id == answers[3].id


def test_what_was_rolled_back_stands_for_nobody() -> None:
    with transaction() as session:
        gone = tasks.index_pages.delay("shop").id
        session.rollback()
    there = tasks.index_pages.delay("shop").id
    assert there != gone
    assert ids() == [there]


def test_what_is_done_under_an_idempotency_key_and_unique_is_answered_with_one_job() -> None:
    client = client_for()
    body = {"task": tasks.index_pages.name, "arguments": {"site": "shop"}}
    first = client.post("/api/v1/jobs", json=body, headers={"Idempotency-Key": "one"})
    again = client.post("/api/v1/jobs", json=body, headers={"Idempotency-Key": "one"})
    other = client.post("/api/v1/jobs", json=body, headers={"Idempotency-Key": "two"})
    assert {answer.status_code // 100 for answer in (first, again, other)} == {2}
    assert first.json()["id"] == again.json()["id"] == other.json()["id"]
    assert len(ids()) == 1


def test_of_a_canvas_each_job_is_accepted_because_others_wait_for_it(fleet: Fleet) -> None:
    fleet.start_worker()
    waiting = tasks.index_pages.apply_async(("shop",), countdown=600)
    assert chain(tasks.index_pages.si("shop"), tasks.add.si(1, 2))().get(timeout=60) == 3
    assert group(tasks.index_pages.si("shop") for _ in range(2))().get(timeout=60) == [None, None]
    assert job_of(waiting.id).state == State.SCHEDULED


@pytest.mark.databases("postgresql")
def test_of_many_who_ask_at_once_one_is_accepted() -> None:
    barrier = threading.Barrier(8)

    def ask(_: int) -> str:
        barrier.wait()
        return str(tasks.index_pages.delay("shop").id)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1
    assert len(ids()) == 1


@pytest.mark.databases("postgresql")
def test_who_asks_is_seen_by_the_job_that_is_given_for_an_answer() -> None:
    """It does not begin before the caller has committed what it is to see."""
    first = tasks.index_pages.delay("shop").id
    claimed = threading.Event()

    def take() -> None:
        assert claim(first)
        store.close()
        claimed.set()

    with transaction() as session:
        assert tasks.index_pages.delay("shop").id == first
        worker = threading.Thread(target=take)
        worker.start()
        waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        wait_until(lambda: session.scalar(waits), seconds=10, what="the claim waits")
        assert not claimed.is_set()
    worker.join()
    assert claimed.is_set()


def test_real_workers_run_what_stands_for_many_once(fleet: Fleet, tmp_path: Path) -> None:
    fleet.start_worker()
    first = tasks.rebuild.delay(str(tmp_path / "go")).id
    wait_for_state(first, State.RUNNING)
    assert {tasks.rebuild.delay(str(tmp_path / "go")).id for _ in range(5)} == {first}
    (tmp_path / "go").touch()
    assert ended(first).state == State.DONE
    second = tasks.rebuild.delay(str(tmp_path / "go")).id
    assert second != first
    assert ended(second).state == State.DONE


def test_a_key_whose_job_was_pruned_stands_for_nothing_and_goes() -> None:
    first = tasks.greet.delay("Ada").id
    tasks.index_pages.delay("shop")
    with transaction() as session:
        session.execute(delete(Job).where(Job.id == first))
        assert unique.prune(session, limit=10) == 1
    assert tasks.greet.delay("Ada").id != first


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        ({"unique_for": 60}, "unique_for=60, no timedelta"),
        ({"unique_for": timedelta()}, "no timedelta of up to 366 days"),
        ({"unique_for": timedelta(days=-1)}, "no timedelta of up to 366 days"),
        ({"unique_for": timedelta.max}, "no timedelta of up to 366 days"),
        ({"unique_while": "waiting"}, "unique_while='waiting', which is neither 'queued' nor 'running'"),
        ({"unique_while": ""}, "unique_while='', which is neither"),
        ({"unique_while": "queued", "durable": False}, "is not durable"),
    ],
)
def test_what_cannot_be_kept_is_refused_at_import(declared: dict[str, Any], problem: str) -> None:
    with pytest.raises(UnusableUniqueness, match=problem):
        task(**declared)(lambda: None)

"""What is asked for at the same moment is accepted together, and each is answered for itself."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from app.db.engine import engine
from app.db.sessions import reading
from app.http.problems import DatabaseDown
from app.jobs.accept import Accepted
from app.jobs.factory import new_job
from app.jobs.ledger.models import Job
from app.jobs.web.gathering import Gatherer
from tests.jobs.broker import waiting
from tests.jobs.over_http import GREET, HELLO, number_of_jobs
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sqlalchemy import Engine
    from starlette.testclient import TestClient

    from app.jobs.ledger.new_job import NewJob
    from tests.servers import PostgresServer, RedisServer

MANY = 20


def jobs(count: int) -> list[NewJob]:
    return [new_job(GREET, kwargs={"name": f"number {number}"}) for number in range(count)]


def rows() -> dict[str, Job]:
    with reading() as session:
        return {job.id: job for job in session.query(Job)}


async def asked_together(gatherer: Gatherer, asked: list[NewJob]) -> list[Accepted | BaseException]:
    """Their answers, when the gatherer finds all of them waiting."""
    waiting_ones = [asyncio.ensure_future(gatherer.accept(job)) for job in asked]
    await asyncio.sleep(0)
    async with at_work(gatherer):
        return await asyncio.gather(*waiting_ones, return_exceptions=True)


@asynccontextmanager
async def at_work(gatherer: Gatherer) -> AsyncIterator[Gatherer]:
    gatherer.start()
    try:
        yield gatherer
    finally:
        await asyncio.to_thread(gatherer.close)
        assert not gatherer.is_alive()


def test_who_asks_at_once_is_accepted_in_one_transaction(database: Engine, redis_server: RedisServer) -> None:
    asked = jobs(MANY)
    answers = asyncio.run(asked_together(Gatherer(), asked))
    assert answers == [Accepted(job.id, True, None) for job in asked]
    assert len({job.accepted_at for job in rows().values()}) == 1
    assert sorted(waiting(redis_server)) == sorted(job.id for job in asked)


@pytest.mark.databases("postgresql")
def test_one_that_cannot_be_accepted_fails_alone(database: Engine) -> None:
    wrong, *others = jobs(MANY)
    asked = [*others, wrong._replace(kwargs="no JSON")]
    answers = asyncio.run(asked_together(Gatherer(), asked))
    assert isinstance(answers[-1], psycopg.DataError)
    assert answers[:-1] == [Accepted(job.id, True, None) for job in others]
    assert rows().keys() == {job.id for job in others}


def test_a_key_that_comes_twice_at_once_is_one_job(database: Engine) -> None:
    first, second, other = (job._replace(fresh=True) for job in jobs(3))
    asked = [first._replace(key="same", digest="a"), second._replace(key="same", digest="b"), other]
    answers = asyncio.run(asked_together(Gatherer(), asked))
    assert answers == [
        Accepted(first.id, True, "a"),
        Accepted(first.id, False, "a"),
        Accepted(other.id, True, None),
    ]


def test_who_hangs_up_takes_nothing_from_the_others(database: Engine) -> None:
    asked = jobs(MANY)

    async def hang_up() -> list[Any]:
        gatherer = Gatherer()
        waiting_ones = [asyncio.ensure_future(gatherer.accept(job)) for job in asked]
        await asyncio.sleep(0)
        waiting_ones[0].cancel()
        async with at_work(gatherer):
            return await asyncio.gather(*waiting_ones[1:])

    assert len(asyncio.run(hang_up())) == MANY - 1
    # Nobody waits for the first, and nothing had been done about it.
    assert rows().keys() == {job.id for job in asked[1:]}


def test_what_was_asked_for_before_the_end_is_answered(database: Engine) -> None:
    asked = jobs(MANY)

    async def end_at_once() -> list[Any]:
        gatherer = Gatherer()
        waiting_ones = [asyncio.ensure_future(gatherer.accept(job)) for job in asked]
        await asyncio.sleep(0)
        gatherer.start()
        await asyncio.to_thread(gatherer.close)
        return await asyncio.gather(*waiting_ones)

    assert {answer.id for answer in asyncio.run(end_at_once())} == {job.id for job in asked}


@pytest.mark.databases("postgresql")
def test_a_restart_of_the_database_in_between_is_not_noticed(
    database: Engine, postgres_server: PostgresServer
) -> None:
    first, *others = jobs(MANY)

    async def with_a_restart() -> list[Any]:
        async with at_work(Gatherer()) as gatherer:
            await gatherer.accept(first)
            of_gatherer = "query LIKE '%INSERT INTO job%' AND pid <> pg_backend_pid()"
            end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {of_gatherer}"
            await asyncio.to_thread(postgres_server.execute, end)
            return await asyncio.gather(*map(gatherer.accept, others))

    assert [answer.id for answer in asyncio.run(with_a_restart())] == [job.id for job in others]
    assert len(rows()) == MANY


@pytest.mark.databases("postgresql")
def test_without_the_database_each_is_told_so(database: Engine, configure: Callable[..., None]) -> None:
    asked = jobs(MANY)
    configure(database_url=f"postgresql://groundwork@127.0.0.1:{free_port()}/nowhere")
    answers = asyncio.run(asked_together(Gatherer(), asked))
    assert [type(answer) for answer in answers] == [DatabaseDown] * MANY
    assert len(set(map(id, answers))) == MANY


@pytest.mark.databases("postgresql")
def test_a_database_that_does_not_answer_is_not_waited_for_without_end(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.jobs.web.gathering.MAX_WAIT_SECONDS", 0.2)
    asked = jobs(2)

    async def while_locked() -> list[Any]:
        async with at_work(Gatherer()) as gatherer:
            with engine().begin() as connection:
                connection.exec_driver_sql("LOCK TABLE job IN ACCESS EXCLUSIVE MODE")
                begun = await asyncio.gather(gatherer.accept(asked[0]), return_exceptions=True)
                not_begun = await asyncio.gather(gatherer.accept(asked[1]), return_exceptions=True)
            return [*begun, *not_begun]

    assert [type(answer) for answer in asyncio.run(while_locked())] == [DatabaseDown] * 2
    with suppress(KeyError):  # its answer came too late, which is as good as lost
        assert rows()[asked[0].id]
    assert asked[1].id not in rows()


def test_what_a_full_queue_does_not_take_is_accepted_and_waits(
    database: Engine, configure: Callable[..., None], redis_server: RedisServer
) -> None:
    configure(queue_depth_limit=100)
    asyncio.run(asked_together(Gatherer(), jobs(150)))
    unsent = {job.id for job in rows().values() if job.published_at is None}
    assert unsent
    assert rows().keys() == unsent | set(waiting(redis_server))


def test_over_http_each_request_has_the_error_that_is_its_own(api: TestClient) -> None:
    async def ask(body: Any) -> Any:
        return await asyncio.to_thread(api.post, "/api/v1/jobs", json=body)

    async def ask_all() -> list[Any]:
        wrong = [{**HELLO, "arguments": {"name": 1}}, {**HELLO, "task": "sample.nobody"}, {"task": None}]
        return await asyncio.gather(*map(ask, [*[HELLO] * MANY, *wrong]))

    answers = asyncio.run(ask_all())
    assert [answer.status_code for answer in answers] == [202] * MANY + [422] * 3
    assert len({answer.headers["location"] for answer in answers[:MANY]}) == MANY == number_of_jobs()
    assert answers[MANY].json()["errors"][0]["pointer"] == "#/arguments/name"
    assert answers[MANY + 1].json()["errors"][0]["pointer"] == "#/task"


def test_over_http_one_key_from_many_at_once_is_one_job_and_another_request_is_refused(
    api: TestClient,
) -> None:
    async def ask(body: Any) -> Any:
        headers = {"Idempotency-Key": "the-same"}
        return await asyncio.to_thread(api.post, "/api/v1/jobs", json=body, headers=headers)

    async def ask_all(body: Any) -> list[Any]:
        return await asyncio.gather(*map(ask, [body] * MANY))

    answers = asyncio.run(ask_all(HELLO))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.headers["location"] for answer in answers}) == number_of_jobs() == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == MANY - 1
    others = asyncio.run(ask_all({**HELLO, "arguments": {"name": "Grace"}}))
    assert {answer.json()["code"] for answer in others} == {"idempotency_key_reused"}

"""Celery's signals around the sending of a task, which tracing packages hang on."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from celery import signals
from sqlalchemy import update

from app.db.sessions import reading, transaction
from app.jobs.errors import ArgumentsTooLarge, HeadersNotJson
from app.jobs.ledger.models import Job
from app.jobs.transitions import attempt, recover
from tests.jobs import samples
from tests.jobs.broker import messages
from tests.jobs.running import job_of
from tests.sample import tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.testclient import TestClient

    from tests.servers import RedisServer

pytestmark = pytest.mark.usefixtures("database")


@contextmanager
def receiving(**receivers: Callable[..., Any]) -> Iterator[None]:
    """Receivers of signals, by the signal's name, for the time of a test."""
    for name, receiver in receivers.items():
        getattr(signals, name).connect(receiver, weak=False)
    try:
        yield
    finally:
        for name, receiver in receivers.items():
            getattr(signals, name).disconnect(receiver)


@pytest.fixture
def heard() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """The signals so far, in their order."""
    found: list[tuple[str, dict[str, Any]]] = []

    def before(**given: Any) -> None:
        found.append(("before", given))

    def after(**given: Any) -> None:
        found.append(("after", given))

    with receiving(before_task_publish=before, after_task_publish=after):
        yield found


def sent(server: RedisServer) -> list[dict[str, Any]]:
    """The headers of all messages, the oldest first."""
    return [found["headers"] for held in messages(server).values() for found in held]


def test_a_durable_job_is_announced_with_what_celery_gives(heard: list[tuple[str, dict[str, Any]]]) -> None:
    job_id = tasks.add.apply_async((1,), {"y": 2}, shadow="shown", link=tasks.double.s()).id
    [(first, before), (second, after)] = heard
    assert (first, second) == ("before", "after")
    assert {"sender", "body", "exchange", "routing_key", "declare", "headers", "properties"} <= before.keys()
    assert {"sender", "body", "exchange", "routing_key", "headers"} <= after.keys()
    for given in (before, after):
        args, kwargs, embedded = given["body"]
        assert (given["sender"], given["routing_key"], args, kwargs) == (
            "sample.add",
            "default",
            [1],
            {"y": 2},
        )
        assert embedded["callbacks"][0]["task"] == "sample.double"
        headers = given["headers"]
        assert (headers["id"], headers["task"], headers["shadow"]) == (job_id, "sample.add", "shown")
    assert before["properties"]["correlation_id"] == job_id


def test_every_way_to_accept_a_job_is_announced(
    api: TestClient, heard: list[tuple[str, dict[str, Any]]]
) -> None:
    greeting = {"task": samples.greet.name, "arguments": {"name": "Ann"}}
    api.post("/api/v1/jobs", json=greeting)
    api.post("/api/v1/jobs/batch", json={"jobs": [greeting, greeting]})
    (tasks.add.s(1, 1) | tasks.double.s()).delay()
    with transaction():
        tasks.add.delay(1, 2)
    assert [name for name, _ in heard].count("before") == [name for name, _ in heard].count("after") == 5


@pytest.mark.redis_only(reason="it looks into Redis")
def test_a_header_that_a_receiver_adds_goes_with_the_message_however_often_it_is_sent(
    redis_server: RedisServer,
) -> None:
    def trace(headers: dict[str, Any], **_: Any) -> None:
        headers.update(traceparent=f"of {headers['id']}", baggage={"tenant": 7})
        headers["shadow"] = "renamed"
        headers["id"] = headers["task"] = "a receiver names no job"

    with receiving(before_task_publish=trace):
        job_id = str(tasks.add.apply_async((1, 2), headers={"mine": 1}).id)
    redis_server.client().flushall()
    with transaction() as session:
        session.execute(update(Job).values(published_at=None))
    recover.publish_waiting(recover.broker_lists() or [])
    [headers] = sent(redis_server)
    assert (headers["id"], headers["task"], headers["shadow"]) == (job_id, "sample.add", "renamed")
    assert (headers["traceparent"], headers["baggage"]) == (f"of {job_id}", {"tenant": 7})
    assert headers["mine"] == 1


def test_a_header_that_a_receiver_takes_away_is_not_sent(redis_server: RedisServer) -> None:
    with receiving(before_task_publish=lambda headers, **_: headers.pop("mine")):
        tasks.add.apply_async((1, 2), headers={"mine": 1})
    assert "mine" not in sent(redis_server)[0]


def test_a_retry_is_announced_and_its_headers_replace_the_old_ones() -> None:
    job_id = str(tasks.add.apply_async((1, 2), headers={"try": 1}).id)
    job = attempt.begin(job_id=job_id, attempt=0, worker="here")
    with receiving(before_task_publish=lambda headers, **_: headers.update({"try": 2})):
        tasks.add.apply_async((1, 2), task_id=job_id, headers={"try": 1})
    assert job is not None
    assert job.moved is not None
    assert json.loads(job.moved.options or "")["headers"] == {"try": 2}
    attempt.end_current()


def test_arguments_that_a_receiver_changes_are_the_jobs() -> None:
    def add_tenant(body: Any, **_: Any) -> None:
        body[1]["y"] = 40

    with receiving(before_task_publish=add_tenant):
        job = job_of(str(tasks.add.apply_async((2,), {"y": 0}).id))
    assert (job.args, job.kwargs) == ([2], {"y": 40})


def test_what_a_receiver_makes_too_large_or_no_json_is_refused_with_nothing_accepted() -> None:
    too_large = receiving(before_task_publish=lambda body, **_: body[1].update(y="x" * 300_000))
    with too_large, pytest.raises(ArgumentsTooLarge):
        tasks.add.delay(1, y=2)
    no_json = receiving(before_task_publish=lambda headers, **_: headers.update(x=object()))
    with no_json, pytest.raises(HeadersNotJson, match=r"The headers of sample\.add are not JSON"):
        tasks.add.delay(1, y=2)
    with reading() as session:
        assert session.query(Job).count() == 0


def test_a_receiver_sees_no_secret(heard: list[tuple[str, dict[str, Any]]]) -> None:
    job = job_of(str(tasks.length.delay("ann", password="hunter2").id))
    assert "hunter2" not in repr(heard)
    assert job.kwargs["user"] == "ann"


def test_a_receiver_that_fails_costs_no_job() -> None:
    def broken(**_: Any) -> None:
        raise RuntimeError("a bug of the tracer")

    with receiving(before_task_publish=broken, after_task_publish=broken):
        assert job_of(str(tasks.add.delay(1, 2).id)).args == [1, 2]

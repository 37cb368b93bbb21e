"""A message is what Celery's own producer would have sent, made from the ledger's row alone."""

from __future__ import annotations

import base64
import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from app.celery_app import celery_app
from app.db.sessions import transaction
from app.jobs.broker.lists import list_of
from app.jobs.ledger.models import Job
from app.jobs.publish import message, outbox
from app.jobs.publish.headers import CONTEXT_HEADER, LEDGER_HEADER, PUBLISHED_HEADER
from app.topology import Priority
from tests.jobs.broker import messages
from tests.jobs.running import job_of
from tests.sample import tasks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import RedisServer

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.databases("sqlite")]
OURS = {LEDGER_HEADER, PUBLISHED_HEADER, CONTEXT_HEADER}
#: Celery shows arguments as Python, the ledger as JSON; the process id and the name of the sender differ.
DIFFERS = {"argsrepr", "kwargsrepr", "origin"}
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "callbacks": {"link": tasks.total.s(), "link_error": tasks.has_a_bug.si()},
    "chain": {"chain": [tasks.double.s(), tasks.add.s(1)]},
    "group": {"group_id": "a-group", "group_index": 3, "chord": tasks.total.s()},
    "parents": {"root_id": "a-root", "parent_id": "a-parent"},
    "limits": {"time_limit": 30, "soft_time_limit": 20},
    "odd": {"shadow": "shown as", "headers": {"mine": "x"}, "ignore_result": True},
    "stamped": {"stamped_headers": ["tenant"], "tenant": "blue"},
}


@pytest.fixture
def plain_celery(redis_url: str) -> Iterator[Celery]:
    """An application that knows nothing of the ledger."""
    made = Celery("plain", broker=redis_url, set_as_current=False)
    made.conf.broker_transport_options = celery_app.conf.broker_transport_options
    yield made
    made.close()


def only_message(redis_server: RedisServer) -> dict[str, Any]:
    [[found]] = messages(redis_server).values()
    redis_server.client().flushall()
    return found


def body_of(found: dict[str, Any]) -> Any:
    return json.loads(base64.b64decode(found["body"]))


@pytest.mark.redis_only(reason="it compares with what kombu writes into Redis")
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_message_is_as_celery_would_have_sent_it(
    options: dict[str, Any], plain_celery: Celery, redis_server: RedisServer
) -> None:
    job_id, args = str(uuid.uuid4()), [1, 'zwölf "Zeichen" \\ \u2028']
    asked: dict[str, Any] = {"args": args, "kwargs": {"y": {"deep": [None, True, 1.5]}}, "task_id": job_id}
    asked |= {"priority": Priority.NORMAL, "ignore_result": False, **options}
    plain_celery.send_task("sample.add", queue="default", **asked)
    theirs = only_message(redis_server)
    celery_app.send_task("sample.add", **asked)
    ours = only_message(redis_server)

    assert set(ours) == set(theirs)
    assert body_of(ours) == body_of(theirs)
    assert set(ours["headers"]) - OURS == set(theirs["headers"])
    for name in set(theirs["headers"]) - DIFFERS:
        assert ours["headers"][name] == theirs["headers"][name], name
    assert set(ours["properties"]) == set(theirs["properties"])
    for name in set(theirs["properties"]) - {"delivery_tag", "reply_to"}:
        assert ours["properties"][name] == theirs["properties"][name], name
    assert (ours["content-type"], ours["content-encoding"]) == (
        theirs["content-type"],
        theirs["content-encoding"],
    )


@pytest.mark.redis_only(reason="it compares with what kombu writes into Redis")
@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("priority", range(10))
def test_a_message_waits_in_the_list_where_celery_looks_for_its_priority(
    priority: int, plain_celery: Celery, redis_server: RedisServer
) -> None:
    plain_celery.send_task("sample.add", (1, 1), queue="default", priority=priority)
    theirs = set(messages(redis_server))
    redis_server.client().flushall()
    tasks.add.apply_async((1, 1), priority=priority)
    assert set(messages(redis_server)) == theirs
    assert theirs == {"groundwork:" + list_of(queue="default", priority=priority)}


@pytest.mark.redis_only(reason="it compares with what kombu writes into Redis")
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_a_republished_message_is_the_same_message_again(
    options: dict[str, Any], redis_server: RedisServer
) -> None:
    result = tasks.add.apply_async((1,), {"y": "ü"}, expires=600, **options)
    first = only_message(redis_server)
    with transaction() as session:
        session.execute(update(Job).values(published_at=None))
        outbox.publish_after_commit(session, [str(result.id)])
    again = only_message(redis_server)
    assert again["properties"].pop("delivery_tag") != first["properties"].pop("delivery_tag")
    assert again["headers"].pop("published") >= first["headers"].pop("published")
    assert again == first


def test_a_message_says_until_when_it_is_wanted_and_when_it_was_sent(redis_server: RedisServer) -> None:
    result = tasks.add.apply_async((1, 1), expires=600)
    job, found = job_of(str(result.id)), only_message(redis_server)
    assert job.expires_at
    assert job.published_at
    assert found["headers"]["expires"] == job.expires_at.isoformat()
    assert found["headers"]["published"] == pytest.approx(job.published_at.timestamp(), abs=0.001)


def test_a_message_shows_no_sealed_argument(redis_server: RedisServer) -> None:
    tasks.length.delay("ann", "hunter2")
    found = only_message(redis_server)
    assert "hunter2" not in json.dumps([found, body_of(found)])
    assert json.loads(found["headers"]["kwargsrepr"]) == {"user": "ann", "password": "***"}


def test_long_arguments_are_cut_where_they_are_only_shown(redis_server: RedisServer) -> None:
    tasks.record_effect.delay("x" * 10_000)
    found = only_message(redis_server)
    assert len(found["headers"]["argsrepr"]) == message.REPR_LENGTH
    assert body_of(found)[0] == ["x" * 10_000]


@given(st.integers(-5, 300))
def test_every_priority_has_one_of_the_lists(priority: int) -> None:
    names = {list_of(queue="default", priority=step) for step in Priority}
    assert list_of(queue="default", priority=priority) in names

"""Garbage on a queue: the worker puts it aside and goes on."""

from __future__ import annotations

import base64
import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from app.jobs.broker import redis
from app.jobs.broker.current import broker
from app.jobs.broker.port import KEPT
from app.jobs.quarantine import quarantine
from app.jobs.transitions.recover import broker_lists
from tests.sample import tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from tests.fleet import Fleet
    from tests.servers import RedisServer

QUEUE = "groundwork:default\x06\x166"
MIB = 1024 * 1024


def good() -> dict[str, Any]:
    """A message as a producer without a ledger would send it."""
    body = base64.b64encode(b"[[1, 2], {}, {}]").decode()
    properties: dict[str, Any] = {
        "body_encoding": "base64",
        "delivery_tag": "a-tag",
        "delivery_info": {"exchange": "", "routing_key": "default"},
        "priority": 6,
    }
    headers: dict[str, Any] = {"task": "sample.add", "id": "an-id", "lang": "py"}
    kinds = {"content-type": "application/json", "content-encoding": "utf-8"}
    return {"body": body, "headers": headers, "properties": properties, **kinds}


def but(part: str = "", **values: Any) -> bytes:
    """That message with some values of it, or of a part of it, replaced."""
    message = good()
    (message[part] if part else message).update(values)
    return json.dumps(message).encode()


def body(document: object) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


GARBAGE = {
    "not JSON": b"hello",
    "empty": b"",
    "bytes": bytes(range(256)),
    "cut off": but()[:-40],
    "a number": b"1",
    "a list": b"[[], {}, {}]",
    "null": b"null",
    "no envelope": b'{"a": 1}',
    "an unknown type": b'{"__type__": "nothing", "__value__": 1}',
    "a type that does not fit": b'{"__type__": "decimal", "__value__": "x"}',
    "nested deeply": b"[" * 100_000,
    "a body nested deeply": but(body=base64.b64encode(b"[" * 100_000).decode()),
    "ten megabytes": b"x" * 10 * MIB,
    "bad base64": but(body="=!="),
    "body of another encoding": but("properties", body_encoding="rot13"),
    "compressed by nothing known": but("headers", compression="x-nothing"),
    "not compressed as it says": but("headers", compression="zlib"),
    "body cut off": but(body=base64.b64encode(b"[[1, 2], {}").decode()),
    "body is a number": but(body=body(1)),
    "body of two": but(body=body([[1], {}])),
    "arguments are text": but(body=body(["no", {}, {}])),
    "named arguments are a list": but(body=body([[], [], {}])),
    "options are a list": but(body=body([[], {}, [1]])),
    "headers are a list": but(headers=[1]),
    "headers are text": but(headers="task"),
    "properties are text": but(properties="x"),
    "no delivery tag": but(properties={"delivery_info": {}}),
    "delivery tag is a list": but("properties", delivery_tag=[1]),
    "delivery info is text": but("properties", delivery_info="x"),
    "delivery info is empty": but("properties", delivery_info={}),
    "task is a list": but("headers", task=["sample.add"]),
    "task is null": but("headers", task=None),
    "id is missing": but(headers={"task": "sample.add"}),
    "id is an object": but("headers", id={}),
    "id is a megabyte long": but("headers", id="x" * MIB),
    "id holds a NUL": but("headers", id="a\x00b"),
    "id holds half of a pair": but("headers", id="\udce9"),
    "id is empty": but("headers", id=""),
    "limit is a number": but("headers", timelimit=5),
    "limit is text": but("headers", timelimit=["soon", None]),
    "stamped by an object": but("headers", stamped_headers=[{"a": 1}]),
    "stamped by a number": but("headers", stamped_headers=5),
    "stamps are text": but("headers", stamped_headers=["x"], stamps="y"),
    "pickle": but(**{"content-type": "application/x-python-serialize"}),
    "old protocol, task is a list": but(headers={}, body=body({"task": [1], "id": "x"})),
    "old protocol, id is missing": but(headers={}, body=body({"task": "sample.add"})),
}
#: What Celery itself refuses, and survives.
REFUSED = {
    "a task nobody knows": but("headers", task="nobody.knows"),
    "expires is a list": but("headers", expires=[1]),
    "eta is no time": but("headers", eta="soon"),
    "eta is empty": but("headers", eta=""),
    "expires is false": but("headers", expires=False),
    "no task at all": but(headers={}, body=body({"a": 1})),
    "old protocol without arguments": but(headers={}, body=body({"task": "sample.add", "id": "old"})),
    "old protocol, arguments are text": but(
        headers={}, body=body({"task": "sample.add", "id": "old", "args": "x", "kwargs": "y"})
    ),
    "retries is text": but("headers", retries="many", id="retries"),
    "callbacks are a number": but(body=body([[1, 2], {}, {"callbacks": 5}])),
}


@pytest.mark.redis_only(reason="it writes into Redis")
def test_a_worker_outlives_all_garbage_and_keeps_it_for_a_look(
    fleet: Fleet, redis_server: RedisServer
) -> None:
    worker, client = fleet.start_worker(), redis_server.client()
    for raw in [*GARBAGE.values(), *REFUSED.values()]:
        client.lpush(QUEUE, raw)
    assert tasks.add.delay(1, 2).get(timeout=60) == 3
    # An entry is written again when Redis answers late, and then stands there twice.
    kept = {(entry["problem"], entry["size"], entry["head"]) for entry in quarantine.entries(limit=100)}
    assert len(kept) == len(GARBAGE), kept
    assert worker.popen.poll() is None
    assert "Unrecoverable error" not in worker.log.read_text()
    assert worker.log.read_text().count("message_put_aside") == len(GARBAGE)


@pytest.mark.redis_only(reason="it writes into Redis")
def test_a_thousand_pieces_of_garbage_restart_nothing(fleet: Fleet, redis_server: RedisServer) -> None:
    worker = fleet.start_worker()
    client, draw = redis_server.client(), random.Random(4)
    client.lpush(QUEUE, *[draw.randbytes(draw.randrange(1, 500)) for _ in range(KEPT + 200)])
    assert tasks.add.delay(1, 2).get(timeout=60) == 3
    assert worker.popen.poll() is None
    held = broker().quarantined()
    assert held.kept == KEPT
    assert held.total is not None
    assert held.total >= KEPT + 200


@pytest.mark.databases("sqlite")
def test_garbage_on_a_full_redis_ends_no_worker_either(fleet: Fleet, own_redis: RedisServer) -> None:
    worker, client = fleet.start_worker(), own_redis.client()
    queue = QUEUE.replace("default", "discounts")
    client.lpush(queue, *[b"garbage"] * 5)
    client.config_set("maxmemory", 1)
    wait_until(lambda: not client.exists(queue), seconds=20, what="the garbage is taken")
    client.config_set("maxmemory", 0)
    assert tasks.add.delay(1, 2).get(timeout=60) == 3
    assert worker.popen.poll() is None


@pytest.mark.redis_only(reason="it writes into Redis")
@pytest.mark.usefixtures("database")
@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("raw", GARBAGE.values(), ids=GARBAGE)
def test_garbage_at_the_end_of_a_queue_does_not_keep_beat_from_looking(
    raw: bytes, redis_server: RedisServer
) -> None:
    redis_server.client().lpush(QUEUE, raw)
    lists = wait_until(broker_lists, seconds=10, what="beat sees what there is")
    assert sum(found.length for found in lists) == 1


@pytest.mark.redis_only(reason="it writes into Redis")
@pytest.mark.usefixtures("database")
@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("published", ["NaN", "1e400", "-1e300", '"x"', "[]", "true"])
def test_a_time_that_is_none_is_not_taken_for_the_oldest(published: str) -> None:
    message = but("headers", published=0).replace(b'"published": 0', b'"published": ' + published.encode())
    redis.client().lpush(QUEUE, message)
    assert {found.oldest for found in broker_lists() or []} == {None}

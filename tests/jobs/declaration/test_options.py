"""Options of a job: what nothing can be done with is refused by every door, before there is a row."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from celery import chain, chord, group

from app.celery_app import celery_app
from app.db.sessions import transaction
from app.jobs.broker import redis
from app.jobs.declaration.options import HORIZON
from app.jobs.errors import InvalidOption, UnknownQueue
from app.jobs.ledger.models import Job, State
from app.logs.failures import ExitCode
from app.topology import Priority
from tests.command_line import groundwork
from tests.jobs import samples
from tests.jobs.conftest import point_celery_at_broker
from tests.jobs.over_http import HELLO
from tests.jobs.running import all_jobs, job_of
from tests.sample import tasks

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tests.servers import RedisServer

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.databases("sqlite")]

NOW = datetime.now(UTC)
IN_MILLISECONDS = int(time.time() * 1000)
NO_TIMES: list[Any] = [
    float("nan"),
    float("inf"),
    -float("inf"),
    Decimal("NaN"),
    10**5000,
    2**70,
    IN_MILLISECONDS,
    time.time(),
    HORIZON + timedelta(seconds=60),
    timedelta.max,
    True,
    [1],
    object(),
    date(2030, 1, 31),
]
NO_MOMENTS: list[Any] = [
    "soon",
    "",
    "2026-02-30T00:00:00Z",
    "\udce9",
    datetime.max.replace(tzinfo=UTC),
    datetime.max.replace(tzinfo=UTC).replace(tzinfo=None),
    datetime.min.replace(tzinfo=UTC),
    datetime.max.replace(tzinfo=UTC).astimezone().isoformat(),
    NOW + timedelta(days=400),
    "58933-01-01T00:00:00Z",
]
UNUSABLE: dict[str, list[Any]] = {
    "countdown": [*NO_TIMES, *NO_MOMENTS, "10"],
    "expires": [*NO_TIMES, *NO_MOMENTS],
    "eta": [*NO_MOMENTS, 10, timedelta(1), True, date(2030, 1, 31)],
    "priority": [10, -1, 2**70, 3.0, True, "high", float("nan"), [3]],
    "time_limit": [*NO_TIMES, -1, "10"],
    "soft_time_limit": [*NO_TIMES, -1, "10"],
    "task_id": ["", "x" * 201, "a\x00b", "\udce9", 7, "ü" * 1_000_000],
    "key": ["", "x" * 1001, "a\x00b", "\udce9", 7],
    "group_id": ["", "x" * 201, "a\x00b", 7],
    "headers": [[1], "x", 5, {1: 2}, {"compression": "zlib"}],
    "link": [5, "x", [None], {"task": 5}, tasks.add],
    "link_error": [5, [tasks.add.s(1), 7]],
    "chain": ["x", {"task": None}],
    "chord": [5, [tasks.add.s(1)]],
    "shadow": [5, "x" * 1_000_000, "a\x00b"],
    "reply_to": [{1: 2}],
    "root_id": [5, "\udce9"],
    "parent_id": [5],
    "group_index": ["first"],
    "stamped_headers": [5, "stamp", [5]],
}


@pytest.mark.parametrize("option", UNUSABLE)
def test_what_nothing_can_be_done_with_is_refused_in_a_sentence_and_leaves_no_row(option: str) -> None:
    for value in UNUSABLE[option]:
        with pytest.raises(InvalidOption) as refusal:
            tasks.add.apply_async((1, 2), **{option: value})
        sentence = str(refusal.value)
        assert re.fullmatch(rf"sample\.add cannot be sent with {option}=.*: give an? .*\.", sentence)
        assert len(sentence.encode()) < 400
    assert all_jobs() == []


@pytest.mark.parametrize("queue", ["nowhere", ["default"], 7, {"name": "default"}, "x" * 1_000_000])
def test_a_queue_that_nobody_drains_is_refused_in_a_sentence(queue: Any) -> None:
    with pytest.raises(UnknownQueue) as refusal:
        tasks.add.apply_async((1, 2), queue=queue)
    assert len(str(refusal.value)) < 400
    assert all_jobs() == []


def wait_of(job: Job) -> timedelta:
    assert job.run_at
    return job.run_at - job.accepted_at


@pytest.mark.parametrize("asked", [60, 60.0, Decimal(60), timedelta(minutes=1)])
def test_a_span_may_be_written_as_celery_users_write_it(asked: Any) -> None:
    job = job_of(str(tasks.add.apply_async((1, 2), countdown=asked, expires=2 * asked).id))
    assert job.state == State.SCHEDULED
    assert abs(wait_of(job) - timedelta(minutes=1)) < timedelta(seconds=1)
    assert job.expires_at
    assert abs(job.expires_at - job.accepted_at - timedelta(minutes=2)) < timedelta(seconds=1)


@pytest.mark.parametrize("options", [{"countdown": -5}, {"eta": NOW - timedelta(days=1)}])
def test_a_time_in_the_past_means_now(options: dict[str, Any]) -> None:
    assert job_of(str(tasks.add.apply_async((1, 2), **options).id)).state == State.READY


def test_the_end_of_the_horizon_can_still_be_asked_for() -> None:
    nearly = HORIZON - timedelta(minutes=1)
    job = job_of(str(tasks.add.apply_async((1, 2), countdown=nearly, expires=NOW + nearly).id))
    assert abs(wait_of(job) - nearly) < timedelta(seconds=1)


def bad() -> Any:
    return tasks.add.si(1, 2).set(expires=IN_MILLISECONDS)


DOORS: dict[str, Any] = {
    "send_task": lambda: celery_app.send_task("sample.add", (1, 2), expires=IN_MILLISECONDS),
    "a signature": lambda: bad().apply_async(),
    "a chain's next link": lambda: (tasks.add.si(1, 2) | bad()).apply_async(),
    "a chain's last link": lambda: chain(tasks.add.si(1, 2), tasks.add.si(1, 2), bad()).apply_async(),
    "a chain's group": lambda: chain(tasks.add.si(1, 2), group(bad(), bad())).apply_async(),
    "a callback": lambda: tasks.add.apply_async((1, 2), link=bad()),
    "an errback": lambda: tasks.add.apply_async((1, 2), link_error=[bad()]),
    "a group": lambda: group(bad(), bad()).apply_async(),
    "a chord's part": lambda: chord([bad()], tasks.total.s()).apply_async(),
    "a non-durable task": lambda: samples.idle.apply_async(expires=IN_MILLISECONDS),
}


@pytest.mark.parametrize("door", DOORS)
def test_every_door_refuses_it(door: str) -> None:
    with pytest.raises(InvalidOption, match="expires="):
        DOORS[door]()
    assert all_jobs() == []
    assert redis.client().keys("*") == []


def test_the_body_of_a_chord_is_looked_at_before_its_parts_are_accepted() -> None:
    with pytest.raises(InvalidOption, match="expires="), transaction():
        chord([tasks.add.s(1, 2), tasks.add.s(3, 4)], bad()).apply_async()
    assert all_jobs() == []


def test_a_link_for_a_queue_that_nobody_drains_is_refused() -> None:
    with pytest.raises(UnknownQueue):
        (tasks.add.si(1, 2) | tasks.add.si(1, 2).set(queue="nowhere")).apply_async()
    assert all_jobs() == []


@pytest.mark.redis_only(reason="it looks into Redis")
def test_a_light_tasks_spans_are_read_the_same(redis_server: RedisServer) -> None:
    point_celery_at_broker()
    samples.idle.apply_async(expires=timedelta(minutes=5))
    [raw] = redis.client().lrange("groundwork:default\x06\x169", 0, -1)
    expires = datetime.fromisoformat(json.loads(raw)["headers"]["expires"])
    assert abs(expires - datetime.now(UTC) - timedelta(minutes=5)) < timedelta(seconds=30)


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59Z", "2999-01-01T00:00:00Z"])
def test_the_api_names_the_field(api: TestClient, moment: str) -> None:
    answer = api.post("/api/v1/jobs", json={**HELLO, "expires_at": moment})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/expires_at"
    assert all_jobs() == []


@pytest.mark.parametrize("options", [["--in", "400d"], ["--key", ""], ["--key", "x" * 1001]])
def test_the_command_line_refuses_it_in_a_sentence(
    capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    outcome = groundwork(capsys, "jobs", "submit", samples.greet.name, "--arg", "name=Ada", *options)
    assert outcome.code == ExitCode.BAD_INPUT
    assert "Traceback" not in outcome.err
    assert all_jobs() == []


def parts_of(canvas: Any) -> list[str]:
    return [str(part.id) for part in canvas.results]


@pytest.mark.redis_only(reason="it looks into Redis")
def test_a_tasks_own_priority_is_the_default_of_every_door(
    api: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    task: Any = samples.hurry
    ids = [
        str(task.delay().id),
        str(task.apply_async().id),
        str(celery_app.send_task(task.name).id),
        str(celery_app.signature(task.name).apply_async().id),
        *parts_of(group(task.si(1), task.si(2)).apply_async()),
        *parts_of(chord([task.si(1), task.si(2)], task.si(3)).apply_async().parent),
        api.post("/api/v1/jobs", json={"task": task.name}).json()["id"],
        groundwork(capsys, "jobs", "submit", task.name).out.strip(),
    ]
    assert {job_of(job_id).priority for job_id in ids} == {Priority.URGENT}
    assert redis.client().llen("groundwork:default") == len(ids)


def test_a_priority_that_is_asked_for_goes_before_the_tasks_own(api: TestClient) -> None:
    asked = api.post("/api/v1/jobs", json={"task": samples.hurry.name, "priority": "normal"}).json()["id"]
    assert job_of(asked).priority == Priority.NORMAL
    assert job_of(str(samples.hurry.apply_async(priority=9).id)).priority == Priority.LOW


@pytest.mark.redis_only(reason="it looks into Redis")
def test_a_plain_celery_tasks_and_a_light_tasks_priority_is_kept_too(redis_server: RedisServer) -> None:
    point_celery_at_broker()
    assert job_of(str(samples.hurry_as_celery_knows_it.delay().id)).priority == Priority.HIGH
    samples.idle.delay()
    assert redis.client().llen("groundwork:default\x06\x169") == 1


def test_a_key_that_was_used_when_normal_was_everybodys_default_is_still_known(api: TestClient) -> None:
    headers = {"Idempotency-Key": "k"}
    first = api.post("/api/v1/jobs", json={**HELLO, "priority": "normal"}, headers=headers).json()
    assert api.post("/api/v1/jobs", json=HELLO, headers=headers).json() == first

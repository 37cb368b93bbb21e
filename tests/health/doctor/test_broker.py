"""What the doctor says about Redis."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from app.health.doctor import messages, redis_server
from app.health.doctor.examination import REDIS, _examine
from app.health.doctor.finding import Level
from app.jobs.broker import current
from app.jobs.quarantine import quarantine
from tests.servers import RedisServer, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def server(configure: Callable[..., None]) -> Iterator[RedisServer]:
    """A Redis of its own, whose settings a test may spoil."""
    running = RedisServer()
    running.start()
    configure(redis_url=running.url)
    yield running
    running.close()


def test_a_redis_as_it_should_be_has_nothing_to_mend(server: RedisServer) -> None:
    checks = (
        redis_server.redis_answers,
        redis_server.writes_are_kept,
        redis_server.nothing_is_evicted,
        redis_server.memory_has_room,
    )
    assert {check().level for check in checks} == {Level.OK}


def test_a_redis_that_is_away_is_a_problem_and_its_password_is_not_shown(
    configure: Callable[..., None],
) -> None:
    configure(redis_url=f"redis://:hunter2@127.0.0.1:{free_port()}/0")
    finding = redis_server.redis_answers()
    assert finding.level is Level.PROBLEM
    assert "Connection refused" in finding.sentence
    assert "hunter2" not in str(finding)
    assert finding.fix


@pytest.mark.parametrize(
    ("rights", "password", "said", "fix"),
    [
        (
            ["+ping"],
            "hunter2",
            "does not permit its user what the service needs: .*no permissions",
            "Fix what this names",
        ),
        (
            ["+@all"],
            "hunter3",
            "does not take the user and the password of GROUNDWORK_REDIS_URL",
            "Correct it where",
        ),
    ],
    ids=["rights", "password"],
)
def test_a_redis_that_answers_is_not_to_be_started(
    server: RedisServer, configure: Callable[..., None], rights: list[str], password: str, said: str, fix: str
) -> None:
    server.client().acl_setuser("narrow", enabled=True, passwords=["+hunter2"], keys="*", commands=rights)
    configure(redis_url=f"redis://narrow:{password}@127.0.0.1:{server.port}/0")
    opening = next(iter(_examine(REDIS)))
    assert opening.level is Level.PROBLEM
    assert re.search(said, opening.sentence)
    assert str(opening.fix).startswith(fix)


def test_a_redis_without_its_file_is_a_problem(server: RedisServer) -> None:
    server.client().config_set("appendonly", "no")
    finding = redis_server.writes_are_kept()
    assert finding.level is Level.PROBLEM
    assert "appendonly yes" in (finding.fix or "")


def test_a_redis_that_drops_keys_is_a_problem(server: RedisServer) -> None:
    server.client().config_set("maxmemory-policy", "allkeys-lru")
    finding = redis_server.nothing_is_evicted()
    assert finding.level is Level.PROBLEM
    assert "allkeys-lru" in finding.sentence


@pytest.mark.parametrize(
    ("share", "level"), [(0.5, Level.OK), (0.75, Level.WARNING), (0.9, Level.PROBLEM), (1.5, Level.PROBLEM)]
)
def test_a_redis_that_fills_up_is_said_so_before_it_is_full(
    server: RedisServer, share: float, level: Level
) -> None:
    used = server.client().info("memory")["used_memory"]
    server.client().config_set("maxmemory", int(used / share))
    assert redis_server.memory_has_room().level is level


def test_memory_of_another_host_is_not_judged(configure: Callable[..., None]) -> None:
    configure(redis_url="redis://redis.example.net:6379/0")
    assert redis_server.memory_may_be_overcommitted().level is Level.OK


def test_garbage_from_a_queue_is_told_of_until_it_is_cleared(server: RedisServer) -> None:
    assert messages.queues_hold_no_garbage().level is Level.OK
    quarantine.add(b"garbage", queue="default", problem="It is not JSON.")
    finding = messages.queues_hold_no_garbage()
    assert finding.level is Level.WARNING
    assert 'from "default"' in finding.sentence
    assert "It is not JSON." in finding.sentence
    assert "groundwork quarantine clear" in (finding.fix or "")
    current.broker().clear_quarantine()
    assert messages.queues_hold_no_garbage().level is Level.OK

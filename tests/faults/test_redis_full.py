"""A Redis that takes no writes, being full or a replica: what it holds is drained, and nobody ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from app.db.sessions import transaction
from app.jobs.publish import publisher
from tests.faults.ledger import effects, wait_until_all_done
from tests.sample import tasks
from tests.servers import free_port, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fleet import Fleet, Process
    from tests.servers import RedisServer

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LEDGER = [f"{number:03}" for number in range(30)]


def fill(server: RedisServer) -> None:
    """Take no writes from now on that need memory, and make everybody connect again."""
    server.client().config_set("maxmemory", 1)
    drop_connections(server)


def drop_connections(server: RedisServer) -> None:
    client: Any = server.client()
    client.client_kill_filter(_type="normal", skipme=True)
    client.client_kill_filter(_type="pubsub")


def make_room(server: RedisServer) -> None:
    server.client().config_set("maxmemory", 0)
    publisher.close()


def send_everything(folder: Path) -> list[Path]:
    """Jobs and non-durable tasks; which files the latter make."""
    with transaction():
        for name in LEDGER:
            tasks.record_effect.delay(name)
    lights = [folder / f"light-{number}" for number in range(10)]
    for path in lights:
        tasks.touch.delay(str(path))
    return lights


def assert_drained(server: RedisServer, lights: list[Path]) -> None:
    wait_until_all_done()
    assert effects() == LEDGER
    wait_until(lambda: all(path.exists() for path in lights), seconds=20, what="the non-durable tasks ran")
    client: Any = server.client()
    held = (
        "groundwork:default",
        "groundwork:default\x06\x166",
        "groundwork:unacked",
        "groundwork:unacked_index",
    )
    wait_until(lambda: not client.exists(*held), seconds=10, what="Redis holds no message")


def assert_lives(worker: Process) -> None:
    assert worker.popen.poll() is None, worker.log.read_text()[-4000:]


def test_a_worker_that_starts_drains_a_full_redis(
    fleet: Fleet, own_redis: RedisServer, tmp_path: Path
) -> None:
    lights = send_everything(tmp_path)
    fill(own_redis)
    worker = fleet.start_worker()
    assert_drained(own_redis, lights)
    assert_lives(worker)


def test_running_workers_go_on_when_redis_is_full_and_their_connections_drop(
    fleet: Fleet, own_redis: RedisServer, tmp_path: Path
) -> None:
    worker = fleet.start_worker()
    running = tasks.wait_for_file.delay(str(tmp_path / "go"))
    wait_until((tmp_path / "go.started").exists, seconds=20, what="a job runs")
    lights = send_everything(tmp_path)
    for _ in range(2):
        fill(own_redis)
    (tmp_path / "go").touch()
    assert_drained(own_redis, lights)
    assert running.get(timeout=5) == "seen"
    assert_lives(worker)
    make_room(own_redis)
    tasks.touch.delay(str(tmp_path / "after"))
    wait_until((tmp_path / "after").exists, seconds=20, what="a task runs as ever")
    worker.stop()
    assert worker.popen.returncode == 0


def test_workers_outlast_a_redis_that_is_a_replica_for_a_while(
    fleet: Fleet, own_redis: RedisServer, tmp_path: Path
) -> None:
    worker = fleet.start_worker()
    lights = send_everything(tmp_path)
    own_redis.client().replicaof("127.0.0.1", free_port())
    wait_until(
        lambda: "READONLY" in worker.log.read_text() or "ReadOnly" in worker.log.read_text(),
        seconds=20,
        what="the worker is refused",
    )
    own_redis.client().replicaof("NO", "ONE")
    fleet.start_beat()
    assert_drained(own_redis, lights)
    assert_lives(worker)

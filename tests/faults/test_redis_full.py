"""A Redis that takes no writes, whatever the reason: what it holds is drained, and nobody ends."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest
import redis

from app.db.sessions import transaction
from app.jobs.celery.non_durable import NotSent
from app.jobs.publish import publisher
from tests.faults.ledger import effects, wait_until_all_done
from tests.sample import tasks
from tests.servers import free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fleet import Fleet, Process
    from tests.servers import RedisServer

pytestmark = pytest.mark.databases("sqlite")
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


#: How often connections drop while a worker runs. Each may have had one message on its way, of which Redis
#: knows nothing any more.
DROPS = 2
QUEUE = ("groundwork:default", "groundwork:default\x06\x166")
#: A non-durable task that runs while its worker loses Redis leaves its copy there, to be run once more.
COPIES = ("groundwork:unacked", "groundwork:unacked_index")


def assert_drained(
    server: RedisServer, lights: list[Path], *, held: tuple[str, ...] = QUEUE + COPIES, drops: int = 0
) -> None:
    wait_until_all_done()
    assert effects() == LEDGER
    wait_until(
        lambda: sum(path.exists() for path in lights) >= len(lights) - drops,
        seconds=20,
        what="the non-durable tasks ran",
    )
    wait_until_empty(server, *held)


def wait_until_empty(server: RedisServer, *keys: str) -> None:
    client: Any = server.client()
    wait_until(lambda: not client.exists(*keys), seconds=90, what="Redis holds no message")


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
    for _ in range(DROPS):
        fill(own_redis)
    (tmp_path / "go").touch()
    wait_until_empty(own_redis, *QUEUE, *COPIES)
    assert_lives(worker)
    assert len(effects()) >= len(LEDGER) - DROPS
    make_room(own_redis)
    fleet.start_beat()  # for what was on its way to the worker in a connection that was dropped
    assert_drained(own_redis, lights, drops=DROPS)
    assert running.get(timeout=5) == "seen"
    assert_lives(worker)
    tasks.touch.delay(str(tmp_path / "after"))
    wait_until((tmp_path / "after").exists, seconds=20, what="a task runs as ever")
    worker.stop()
    assert worker.popen.returncode == 0


def become_a_replica(server: RedisServer) -> None:
    server.client().replicaof("127.0.0.1", free_port())


def be_a_primary(server: RedisServer) -> None:
    server.client().replicaof("NO", "ONE")


def miss_replicas(server: RedisServer) -> None:
    server.client().config_set("min-replicas-to-write", 1)


def need_no_replicas(server: RedisServer) -> None:
    server.client().config_set("min-replicas-to-write", 0)


def fail_to_save(server: RedisServer) -> None:
    """Have a snapshot fail, as on a broken disk: where its file is to be, a folder stands in the way."""
    client: Any = server.client()
    (server.folder / "dump.rdb" / "in the way").mkdir(parents=True)
    client.config_set("save", "3600 1")
    client.bgsave()
    wait_until(
        lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", seconds=10, what="it failed"
    )


def save_again(server: RedisServer) -> None:
    server.client().config_set("save", "")


def run_an_endless_script(server: RedisServer) -> None:
    client: Any = server.client()
    client.config_set("busy-reply-threshold", 10)
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"EVAL 'while true do end' 0\r\n")

    def is_busy() -> bool:
        try:
            return not server.client().ping()
        except redis.ResponseError as error:
            return str(error).startswith("BUSY")

    wait_until(is_busy, seconds=10, what="the script runs")


def kill_the_script(server: RedisServer) -> None:
    client: Any = server.client()
    client.script_kill()


#: How it comes to take no writes, what it says then, and how it takes them again.
REFUSING: dict[str, tuple[Callable[[RedisServer], None], Callable[[RedisServer], None]]] = {
    "read only replica": (become_a_replica, be_a_primary),
    "NOREPLICAS": (miss_replicas, need_no_replicas),
    "MISCONF": (fail_to_save, save_again),
    "BUSY": (run_an_endless_script, kill_the_script),
}


@pytest.mark.parametrize("said", REFUSING)
def test_workers_outlast_a_redis_that_takes_no_writes_for_a_while(
    fleet: Fleet, own_redis: RedisServer, tmp_path: Path, said: str
) -> None:
    refuse, mend = REFUSING[said]
    worker = fleet.start_worker()
    lights = send_everything(tmp_path)
    refuse(own_redis)
    wait_until(lambda: said in worker.log.read_text(), seconds=20, what="the worker is refused")
    mend(own_redis)
    fleet.start_beat()
    # The one that was taken when Redis began to refuse has no copy there.
    assert_drained(own_redis, lights, held=QUEUE, drops=1)
    assert_lives(worker)


@pytest.mark.parametrize("said", REFUSING)
def test_who_sends_meanwhile_is_told_and_the_ledger_keeps_its_jobs(
    fleet: Fleet, own_redis: RedisServer, tmp_path: Path, said: str
) -> None:
    refuse, mend = REFUSING[said]
    refuse(own_redis)
    with pytest.raises(NotSent, match=said):
        tasks.touch.delay(str(tmp_path / "light"))
    for name in LEDGER:
        tasks.record_effect.delay(name)
    mend(own_redis)
    make_room(own_redis)
    fleet.start_beat()
    fleet.start_worker()
    assert_drained(own_redis, [])

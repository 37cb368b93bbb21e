"""What is told to stop while Redis does not answer ends all the same, and soon."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.worker.last_resort import END_SECONDS
from tests.fleet import ROOT
from tests.servers import RedisServer, free_port, stretched, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.databases("sqlite"),
]
#: Beyond `END_SECONDS`; a crowded machine takes its time.
ROOM_SECONDS = 20


@pytest.fixture
def own_redis(configure: Callable[..., None]) -> Iterator[RedisServer]:
    """A Redis that the test may freeze."""
    server = RedisServer()
    server.start()
    configure(redis_url=server.url, flower_password=secrets.token_urlsafe(24), flower_port=free_port())
    yield server
    assert server.process
    server.process.send_signal(signal.SIGCONT)
    server.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts services as a supervisor does."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*arguments: str) -> subprocess.Popen[bytes]:
        with (tmp_path / f"{arguments[-1]}.log").open("wb") as output:
            command = [sys.executable, "-m", "app", *arguments]
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            process = subprocess.Popen(
                command, stdout=output, stderr=output, env=environment, start_new_session=True
            )
        started.append(process)
        return process

    yield run
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def pidfile(tmp_path: Path, pool: str) -> tuple[str, str]:
    return "--pidfile", str(tmp_path / pool)


def is_listening() -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", int(os.environ["GROUNDWORK_FLOWER_PORT"]))) == 0


def is_in_its_first_attempt(worker: subprocess.Popen[bytes], own_redis: RedisServer) -> bool:
    """Whether it has a connection to `own_redis`, which does not answer there."""
    inodes = set()
    for descriptor in Path(f"/proc/{worker.pid}/fd").iterdir():
        with suppress(OSError):
            inodes.add(descriptor.readlink().name)
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(
        f"socket:[{line[9]}]" in inodes and int(line[2].split(":")[1], 16) == own_redis.port for line in lines
    )


def test_a_frozen_redis_keeps_nobody_from_ending(
    own_redis: RedisServer, start: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    connected = start("worker", "standard", *pidfile(tmp_path, "standard"))
    flower = start("flower")
    wait_until((tmp_path / "standard").exists, seconds=60, what="the worker consumes")
    wait_until(is_listening, seconds=60, what="Flower serves")
    assert own_redis.process
    own_redis.process.send_signal(signal.SIGSTOP)
    connecting = start("worker", "bulk", *pidfile(tmp_path, "bulk"))
    wait_until(lambda: is_in_its_first_attempt(connecting, own_redis), seconds=60, what="the other connects")
    stopped = [connected, connecting, flower]
    began = time.monotonic()
    for process in stopped:
        process.send_signal(signal.SIGTERM)
    for process in stopped:
        process.wait(timeout=stretched(END_SECONDS + ROOM_SECONDS))
    assert time.monotonic() - began < stretched(END_SECONDS + ROOM_SECONDS)
    assert [process.returncode for process in stopped] == [0, 0, 0]
    wait_until(lambda: not any(map(group_lives, stopped)), seconds=5, what="no process of theirs is left")


def group_lives(process: subprocess.Popen[bytes]) -> bool:
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True

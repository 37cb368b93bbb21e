"""Starts real Redis and PostgreSQL servers on free ports in temporary folders."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import redis
from sqlalchemy import create_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.preloaded import Forked

START_TIMEOUT_SECONDS = 30.0
POLL_SECONDS = 0.02
MAX_POLL_SECONDS = 0.2
#: To ask takes no more than a twentieth of a core from what is waited for.
POLLS_OWN_SHARE = 1 / 20
#: Where files are in memory. Making one there costs the processor a fifth of what it costs on a disk.
MEMORY = Path("/dev/shm")
#: Far more than the servers of one process of tests take.
ENOUGH_MEMORY_BYTES = 2**30
#: The migrated database in the data that servers are started on a copy of.
TEMPLATE = "template_migrated"
#: Below those that the system gives to outgoing connections, of which tests beside this one open many.
PORTS = range(10_000, 32_000)
#: More than a process of tests has in use at once, or a checkout that runs.
PORTS_OF_A_BLOCK = 100


def free_port() -> int:
    """A TCP port that is free on loopback; no other process of tests asks for it while this one lives."""
    return next(_own_ports())


@cache
def _own_ports() -> Iterator[int]:
    return free_ports()


def free_ports() -> Iterator[int]:
    """As `free_port`, from a block that is kept for the caller alone; those used longest ago come first."""
    return filter(_is_free, cycle(_reserved_block()))


def _is_free(port: int) -> bool:
    with socket.socket() as probe, suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False


def _reserved_block() -> range:
    for first in random.sample(PORTS[::PORTS_OF_A_BLOCK], len(PORTS) // PORTS_OF_A_BLOCK):
        reservation = socket.socket(socket.AF_UNIX)
        try:
            # A name without a file, which the kernel keeps for as long as this process or a fork of it lives.
            reservation.bind(f"\0groundwork-ports-{first}")
        except OSError:
            continue
        _RESERVATIONS.append(reservation)
        return range(first, first + PORTS_OF_A_BLOCK)
    raise AssertionError("All ports for tests are taken. End the tests that run beside this one.")


_RESERVATIONS: list[socket.socket] = []


def stretched(seconds: float) -> float:
    """So long where there is a core for each who wants one; where there is none, all takes longer."""
    return seconds * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def folder_in_memory(prefix: str) -> Path:
    """A new folder in memory where there is room, else on the disk; whoever asks deletes it."""
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ENOUGH_MEMORY_BYTES
    return Path(tempfile.mkdtemp(prefix=prefix, dir=MEMORY if has_room else None))


def wait_until(condition: Callable[[], Any], *, seconds: float, what: str) -> Any:
    """Return the first truthy value of `condition`; fail with `what` when none came in time."""
    deadline = time.monotonic() + stretched(seconds)
    while True:
        began = time.thread_time()
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"After {seconds} s still not: {what}")
        asked = time.thread_time() - began
        time.sleep(min(max(POLL_SECONDS, asked / POLLS_OWN_SHARE), MAX_POLL_SECONDS))


def stop(process: subprocess.Popen[bytes] | Forked, *, how: signal.Signals = signal.SIGTERM) -> None:
    """End a process this test started and wait for it."""
    if process.poll() is None:
        process.send_signal(how)
    process.wait(timeout=stretched(START_TIMEOUT_SECONDS))


@dataclass
class RedisServer:
    """A Redis with an append-only file, like the one the service runs on."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="groundwork-redis-")))
    port: int = field(default_factory=free_port)
    arguments: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, socket_timeout=5)

    def clear(self) -> None:
        """Delete all that is in it."""
        self._kept_client.flushall()

    @cached_property
    def _kept_client(self) -> redis.Redis:
        return self.client()

    def start(self) -> None:
        binary = shutil.which("redis-server")
        assert binary, "redis-server is missing; scripts/test installs it"
        self.folder.mkdir(exist_ok=True)
        command = [binary, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        command += ["--appendonly", "yes", "--save", "", "--databases", "64", "--loglevel", "warning"]
        self.process = subprocess.Popen([*command, *self.arguments], stdout=subprocess.DEVNULL)
        wait_until(self._answers, seconds=START_TIMEOUT_SECONDS, what="redis-server answers")

    def _answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except redis.ConnectionError:
            return False

    def kill(self) -> None:
        """End it as a crash would."""
        assert self.process
        stop(self.process, how=signal.SIGKILL)

    def wipe(self) -> None:
        """Delete its data folder, as a lost disk would."""
        shutil.rmtree(self.folder)

    def close(self) -> None:
        if self.process:
            stop(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass
class MariaDbServer:
    """A MariaDB of its own, with an empty database."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="groundwork-mariadb-")))
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mysql://root@127.0.0.1:{self.port}/results"

    def start(self) -> None:
        """Start it on nothing."""
        made = ["mariadb-install-db", "--no-defaults", f"--datadir={self.folder}/data"]
        made += ["--auth-root-authentication-method=normal", "--skip-test-db", *self._as_user]
        with (self.folder / "log").open("ab") as log:
            subprocess.run(made, check=True, stdout=log, stderr=log)
        self.resume()
        engine = create_engine(f"mysql+pymysql://root@127.0.0.1:{self.port}/")
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE DATABASE results CHARACTER SET utf8mb4")
        engine.dispose()

    def resume(self) -> None:
        """Start it on the data it has."""
        binary = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")
        assert binary, "MariaDB is missing; scripts/test installs it"
        command = [binary, "--no-defaults", f"--datadir={self.folder}/data", f"--port={self.port}"]
        command += ["--bind-address=127.0.0.1", f"--socket={self.folder}/socket", *self._as_user]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self._answers, seconds=START_TIMEOUT_SECONDS, what="MariaDB answers")

    def kill(self) -> None:
        """End it as a crash would."""
        assert self.process
        stop(self.process, how=signal.SIGKILL)

    def close(self) -> None:
        if self.process:
            stop(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _as_user(self) -> list[str]:
        return ["--user=root"] if os.geteuid() == 0 else []

    def _answers(self) -> bool:
        with socket.socket() as probe, suppress(OSError):
            probe.settimeout(1)
            probe.connect(("127.0.0.1", self.port))
            # It greets whoever connects once it is ready.
            return bool(probe.recv(1))
        return False


def _postgres_binary(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    assert found, "PostgreSQL is missing; scripts/test installs it"
    return str(found[-1])


@dataclass
class PostgresServer:
    """A PostgreSQL of its own; run as another user when the tests run as root, as it demands."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="groundwork-postgres-")))
    port: int = field(default_factory=free_port)
    settings: tuple[str, ...] = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
    process: subprocess.Popen[bytes] | None = None

    def url(self, name: str) -> str:
        return f"postgresql://groundwork@127.0.0.1:{self.port}/{name}"

    @property
    def _user(self) -> str | None:
        return "postgres" if os.geteuid() == 0 else None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self, *, copy_of: Path | None = None) -> None:
        """Start it on nothing, or on a copy of the data of another one."""
        if self._user:
            shutil.chown(self.folder, self._user)
        if copy_of:
            subprocess.run(["cp", "--archive", copy_of, self.data], check=True)
        else:
            self._make_data()
        self.resume()

    def _make_data(self) -> None:
        subprocess.run(
            [
                _postgres_binary("initdb"),
                "--no-sync",
                "-D",
                str(self.data),
                "-U",
                "groundwork",
                "--auth=trust",
                "-E",
                "UTF8",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            user=self._user,
            env={"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]},
            cwd=self.folder,
        )

    def resume(self) -> None:
        """Start it on the data it has."""
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            self.command(), stderr=log, stdout=log, user=self._user, cwd=self.folder
        )
        wait_until(self.answers, seconds=START_TIMEOUT_SECONDS, what="PostgreSQL answers")

    def command(self) -> list[str]:
        """What starts the server itself."""
        options = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200"]
        command = [_postgres_binary("postgres"), "-D", str(self.data), "-p", str(self.port)]
        return command + _as_options([*options, *self.settings])

    def answers(self) -> bool:
        """Whether it takes connections."""
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def halt(self) -> None:
        """Its fast shutdown, as an administrator's restart begins: it ends sessions, and does not wait."""
        if self.process:
            stop(self.process, how=signal.SIGINT)

    def close(self) -> None:
        self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)


def _as_options(values: Iterable[str]) -> list[str]:
    return [part for value in values for part in ("-c", value)]

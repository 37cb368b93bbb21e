"""How long each service takes to start, beside a worker of plain Celery that knows two tasks.

    python -m tests.bench.start [--rounds 3]

Starts a Redis and a PostgreSQL server of its own.
"""

from __future__ import annotations

import argparse
import http.client
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.processes import cpu_seconds, family
from tests.servers import PostgresServer, RedisServer, free_port, stop, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).parents[2]
GROUNDWORK = (sys.executable, "-m", "app")
PLAIN = (sys.executable, "-m", "celery", "-A", "tests.bench.peers.stock", "worker", "--concurrency=2")
SERVICES = {
    "worker": (*GROUNDWORK, "worker", "bulk"),
    "serve": (*GROUNDWORK, "serve"),
    "beat": (*GROUNDWORK, "beat"),
    "flower": (*GROUNDWORK, "flower"),
}
TIMEOUT_SECONDS = 60
PORTS = {"serve": "GROUNDWORK_API_PORT", "flower": "GROUNDWORK_FLOWER_PORT"}
API_PROCESSES = 2
#: What a log holds, and how often, once its service works. Flower does not say it.
SAID = {
    "plain": (b" ready.", 1),
    "worker": (b"worker_ready", 1),
    "serve": (b"ASGI server listening", API_PROCESSES),
    "beat": (b"beat_leads", 1),
}


@dataclass(frozen=True, kw_only=True)
class Start:
    """One start: until the service worked, and the processor time of all its processes by then."""

    seconds: float
    cpu_seconds: float


def start(name: str, command: tuple[str, ...], environment: Mapping[str, str]) -> Start:
    """Start it, wait until it works, stop it."""
    with tempfile.TemporaryFile() as log:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        wait_until(works(name, environment, log.fileno()), seconds=TIMEOUT_SECONDS, what=f"{name} works")
        seconds = time.perf_counter() - began
        used = sum(cpu_seconds(pid) for pid in family(process.pid))
        stop(process)
    return Start(seconds=seconds, cpu_seconds=used)


def works(name: str, environment: Mapping[str, str], log: int) -> Callable[[], bool]:
    """Tells whether the service called `name` works, which writes to that log."""
    if name not in SAID:
        return lambda: _answers(int(environment[PORTS[name]]))
    text, times = SAID[name]
    return lambda: os.pread(log, os.fstat(log).st_size, 0).count(text) == times


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    with suppress(OSError):
        connection.request("GET", "/", headers={"Connection": "close"})
        return bool(connection.getresponse().status)
    return False


def service_environment(redis_url: str, database_url: str) -> dict[str, str]:
    """What all services are started with."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GROUNDWORK_")}
    # As on a host: what is loaded was compiled before.
    own.pop("PYTHONDONTWRITEBYTECODE", None)
    return own | {
        "BENCH_REDIS_URL": redis_url,
        "GROUNDWORK_REDIS_URL": redis_url,
        "GROUNDWORK_DATABASE_URL": database_url,
        "GROUNDWORK_SECRET_KEY": secrets.token_urlsafe(32),
        "GROUNDWORK_FLOWER_PASSWORD": secrets.token_urlsafe(32),
        "GROUNDWORK_LOG_DIR": "",
        "GROUNDWORK_API_WORKERS": str(API_PROCESSES),
        **{variable: str(free_port()) for variable in PORTS.values()},
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    commands = {"plain": (*PLAIN, "--loglevel=INFO"), **SERVICES}
    redis, postgres = RedisServer(), PostgresServer()
    redis.start()
    postgres.start()
    try:
        postgres.execute("CREATE DATABASE bench")
        environment = service_environment(redis.url, postgres.url("bench"))
        subprocess.run([*GROUNDWORK, "migrate"], cwd=ROOT, env=environment, check=True)
        found = [
            {name: start(name, command, environment) for name, command in commands.items()}
            for _ in range(1 + rounds)
        ]
    finally:
        redis.close()
        postgres.close()
    # The first round compiled and read from the disk.
    _print({name: [one[name] for one in found[1:]] for name in commands})


def _print(found: Mapping[str, list[Start]]) -> None:
    medians = {
        name: Start(
            seconds=statistics.median(one.seconds for one in starts),
            cpu_seconds=statistics.median(one.cpu_seconds for one in starts),
        )
        for name, starts in found.items()
    }
    print(f"{'':8} {'seconds':>8} {'processor':>10} {'of plain':>9}")
    for name, median in medians.items():
        ratio = median.cpu_seconds / medians["plain"].cpu_seconds
        print(f"{name:8} {median.seconds:8.2f} {median.cpu_seconds:10.2f} {ratio:9.2f}")


if __name__ == "__main__":
    main()

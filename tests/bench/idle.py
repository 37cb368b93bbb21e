"""What the services of a host use while there is nothing to do.

    python -m tests.bench.idle [--seconds 60]

Starts a Redis and a PostgreSQL server of its own, and all pools with their default number of processes.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app import topology
from tests.bench.processes import cpu_seconds, family, memory_bytes
from tests.bench.start import GROUNDWORK, ROOT, SERVICES, TIMEOUT_SECONDS, service_environment, works
from tests.servers import PostgresServer, RedisServer, stop, wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a start leaves behind has settled after this.
SETTLED_SECONDS = 15
#: Services that no host runs unless it is told to.
OPTIONAL = {"flower"}
MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Use:
    """What the processes of a service have used by now."""

    cpu_seconds: float
    memory_bytes: int


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60)
    seconds = parser.parse_args().seconds
    with ExitStack() as stack:
        redis, postgres = RedisServer(), PostgresServer(settings=())
        for server in (redis, postgres):
            stack.callback(server.close)
            server.start()
        postgres.execute("CREATE DATABASE bench")
        environment = service_environment(redis.url, postgres.url("bench"))
        subprocess.run([*GROUNDWORK, "migrate"], cwd=ROOT, env=environment, check=True)
        pids = _started(stack, environment)
        assert redis.process
        assert postgres.process
        servers = {"redis": redis.process.pid, "postgres": postgres.process.pid}
        time.sleep(SETTLED_SECONDS)
        before, began = _uses(pids | servers), time.monotonic()
        time.sleep(seconds)
        after, passed = _uses(pids | servers), time.monotonic() - began
    _print(before, after, seconds=passed, own=set(pids))


def _started(stack: ExitStack, environment: Mapping[str, str]) -> dict[str, int]:
    workers = {f"worker {pool.name}": (*GROUNDWORK, "worker", pool.name) for pool in topology.POOLS}
    others = {name: command for name, command in SERVICES.items() if name not in {"worker", *OPTIONAL}}
    return {name: _start(stack, name, command, environment) for name, command in (workers | others).items()}


def _start(stack: ExitStack, name: str, command: tuple[str, ...], environment: Mapping[str, str]) -> int:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        stack.callback(stop, process)
        is_working = works(name.partition(" ")[0], environment, log.fileno())
        wait_until(is_working, seconds=TIMEOUT_SECONDS, what=f"{name} works")
    return process.pid


def _uses(pids: Mapping[str, int]) -> dict[str, Use]:
    return {name: _use(family(pid)) for name, pid in pids.items()}


def _use(pids: list[int]) -> Use:
    return Use(cpu_seconds=sum(map(cpu_seconds, pids)), memory_bytes=sum(map(memory_bytes, pids)))


def _print(before: Mapping[str, Use], after: Mapping[str, Use], *, seconds: float, own: set[str]) -> None:
    shares = {name: (after[name].cpu_seconds - before[name].cpu_seconds) / seconds for name in after}
    print(f"{'':16} {'% of a core':>11} {'MiB (PSS)':>10}")
    for name, use in after.items():
        print(f"{name:16} {shares[name]:11.2%} {use.memory_bytes / MIB:10.0f}")
    memory = sum(after[name].memory_bytes for name in own)
    print(f"{'our services':16} {sum(shares[name] for name in own):11.2%} {memory / MIB:10.0f}")
    print(f"{'all':16} {sum(shares.values()):11.2%}")


if __name__ == "__main__":
    main()

"""Requests per second of the API, driven by wrk: a client in Python would cost as much as the server.

    python -m tests.bench.served_by_wrk [--database postgresql|sqlite] [--rounds 3] [--seconds 5]

A route of FastAPI with nothing around it, /livez with a token, a list of jobs and the submission of one take
turns under one gunicorn of two processes, with 64 clients; no worker runs, and the operation log is written.
The ratios are to the figure that the line names, in the same run: of requests per second, and of the
processor time that all together take for a request (API, database, broker and wrk), which other work on the
machine changes less.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import shutil
import statistics
import subprocess
import tempfile
from collections import defaultdict
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console
from rich.table import Table

from tests.bench.contenders import Servers
from tests.bench.processes import cpu_seconds, family

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

IN_MEMORY = "/dev/shm"
CLIENTS = 64
JOB = json.dumps({"task": "bench.nothing", "arguments": {}})
#: What is asked for, by its name in the table: how, and to which of the others it is compared.
LIST, LIVEZ, BARE = "GET /api/v1/jobs?limit=20", "GET /livez", "bare route"
REQUESTS = {
    BARE: ("GET", "/bare", None),
    LIVEZ: ("GET", "/livez", BARE),
    LIST: ("GET", "/api/v1/jobs?limit=20", LIVEZ),
    "POST /api/v1/jobs": ("POST", "/api/v1/jobs", LIVEZ),
    "POST with a key": ("KEYED", "/api/v1/jobs", LIVEZ),
}
#: Each request of a thread gets a key of its own.
KEYED = """
local number, prefix = 0, "%s"
request = function()
  number = number + 1
  wrk.headers["Idempotency-Key"] = prefix .. number
  return wrk.format()
end
"""


class Taken(NamedTuple):
    """What wrk saw."""

    per_second: float
    p50_ms: float
    p99_ms: float
    #: Processor time of all processes for one request.
    work_us: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of each turn")
    parser.add_argument("--in-memory", action="store_true", help="without the disk: what is left is work")
    parser.add_argument("--only", nargs="*", choices=REQUESTS, default=list(REQUESTS))
    asked = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed: apt-get install wrk")
    if asked.in_memory:
        tempfile.tempdir = IN_MEMORY
    taken: defaultdict[str, list[Taken]] = defaultdict(list)
    with _served(asked.database) as (client, folder):
        for name in asked.only:
            _drive(client, name, seconds=2, folder=folder)  # connections, statements and files are made
        for _ in range(asked.rounds):
            for name in asked.only:
                taken[name].append(_drive(client, name, seconds=asked.seconds, folder=folder))
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    Console(width=100).print(_report(taken), f"Load at the end: {load}")


@contextmanager
def _served(database: str) -> Iterator[tuple[httpx.Client, Path]]:
    with tempfile.TemporaryDirectory(prefix="groundwork-bench-") as name, Servers(Path(name)) as servers:
        servers.postgres.execute("CREATE DATABASE bench")
        sqlite = f"sqlite:///{name}/groundwork.db"
        os.environ |= {
            "GROUNDWORK_SECRET_KEY": secrets.token_urlsafe(32),
            "GROUNDWORK_LOG_LEVEL": "WARNING",
            "GROUNDWORK_REDIS_URL": servers.redis.url,
            "GROUNDWORK_DATABASE_URL": servers.postgres.url("bench") if database == "postgresql" else sqlite,
            "GROUNDWORK_QUEUE_DEPTH_LIMIT": "1000000",
            # What one caller may ask is not what is measured.
            "GROUNDWORK_API_TOKEN_PER_SECOND": "1000000",
            "GROUNDWORK_API_IN_FLIGHT": "1024",
        }
        # Not above: what these load reads the settings.
        from app.db.migrations import revisions
        from tests.bench.through_api import served

        revisions.upgrade()
        with served() as client:
            yield client, Path(name)


def _drive(client: httpx.Client, name: str, *, seconds: int, folder: Path) -> Taken:
    method, path, _ = REQUESTS[name]
    script = folder / "request.lua"
    script.write_text(_lua(method, authorization=client.headers["Authorization"]))
    url = str(client.base_url.copy_with(path="/")).rstrip("/") + path
    command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds}", "--latency", "-s", str(script), url]
    before = _worked()
    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    work = (_worked() - before) * 1e6 / _found(r"(\d+) requests in", said)
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"{name} was not answered as it should be:\n{said}")
    per_second = _found(r"Requests/sec:\s+([\d.]+)", said)
    return Taken(per_second, _latency("50%", said), _latency("99%", said), work)


def _worked() -> float:
    """Seconds of processor time of this process and all that it has started."""
    total = 0.0
    for pid in family(os.getpid()):
        with suppress(FileNotFoundError):  # PostgreSQL's own come and go; its parent counts those that went
            total += cpu_seconds(pid)
    return total


def _lua(method: str, *, authorization: str) -> str:
    lines = [f'wrk.headers["Authorization"] = "{authorization}"']
    if method == "GET":
        return "\n".join(lines)
    lines += ['wrk.method = "POST"', 'wrk.headers["Content-Type"] = "application/json"']
    lines += [f"wrk.body = [[{JOB}]]", KEYED % secrets.token_hex(4) if method == "KEYED" else ""]
    return "\n".join(lines)


def _found(pattern: str, said: str) -> float:
    match = re.search(pattern, said)
    assert match, said
    return float(match[1])


def _latency(share: str, said: str) -> float:
    match = re.search(rf"{share}\s+([\d.]+)(us|ms|s) *\n", said)
    assert match, said
    return float(match[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[match[2]]


def _report(taken: dict[str, list[Taken]]) -> Table:
    table = Table(title=f"Served to {CLIENTS} clients: medians")
    for column in ("request", "per second", "p50 ms", "p99 ms", "work µs", "ratio", "by work", "to"):
        table.add_column(column, justify="left" if column in ("request", "to") else "right")
    medians = {
        name: Taken(*(statistics.median(values) for values in zip(*rounds, strict=True)))
        for name, rounds in taken.items()
    }
    for name, median in medians.items():
        other = REQUESTS[name][2]
        figures = [f"{median.per_second:,.0f}", *(f"{value:,.1f}" for value in median[1:3])]
        figures.append(f"{median.work_us:,.0f}")
        if other in medians:
            figures.append(f"{median.per_second / medians[other].per_second:.2f}")
            figures.append(f"{medians[other].work_us / median.work_us:.2f}")
        else:
            figures += ["", ""]
        table.add_row(name, *figures, other or "")
    return table


if __name__ == "__main__":
    main()

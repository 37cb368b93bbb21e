"""What the ledger does with ten million finished jobs and a million ready ones, beside an empty one.

    python -m tests.bench.scale [--finished 10000000] [--ready 1000000] [--only TEXT] [--explain]

Starts a PostgreSQL at its usual durability, set up as the Ansible role does, and a Redis. Each question is
asked of both ledgers in turns. Needs 2 KB of disk for each job, which is free again afterwards.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import statistics
import sys
import time
from contextlib import ExitStack

from app.settings.sources import PREFIX
from tests.bench.scale.filling import BYTES_EACH, SERVER, fill
from tests.bench.scale.side import Side
from tests.servers import PostgresServer, RedisServer

ROUNDS = 2
#: Plans are shown of what takes longer, and so many times as long as in an empty ledger.
SLOW_MS, SLOWER = 20, 3


def sides(stack: ExitStack) -> tuple[Side, Side]:
    """An empty ledger, and the one to fill."""
    server, redis = PostgresServer(settings=SERVER), RedisServer()
    for each in (server, redis):
        stack.callback(each.close)
        each.start()
    key = secrets.token_urlsafe(32)
    made = []
    for name in ("empty", "full"):
        server.execute(f"CREATE DATABASE {name}_ledger")
        values = {
            "secret_key": key,
            "database_url": server.url(f"{name}_ledger"),
            "redis_url": redis.url,
            "redis_prefix": f"{name}:",
        }
        side = Side(name, {f"{PREFIX}{setting.upper()}": value for setting, value in values.items()})
        stack.callback(side.close)
        made.append(side)
    return made[0], made[1]


def compare(empty: Side, full: Side, *, only: str, explains: bool) -> None:
    """Print what each question takes in both, and their ratio."""
    print(
        f"{'milliseconds, median of the calls':<34}{empty.name:>10}{full.name:>10}{'ratio':>8}{'worst':>10}"
    )
    slow = []
    for question in full.questions():
        if only not in question:
            continue
        taken: dict[str, list[float]] = {empty.name: [], full.name: []}
        for _ in range(ROUNDS):
            for side in (empty, full):
                taken[side.name] += side.ask(question)
        base, now = (statistics.median(taken[side.name]) for side in (empty, full))
        worst = max(taken[full.name])
        print(f"{question:<34}{base:>10.2f}{now:>10.2f}{now / base:>8.2f}{worst:>10.2f}", flush=True)
        if now > SLOW_MS and now > SLOWER * base:
            slow.append(question)
    for question in slow if explains else ():
        print(f"\n{question}: {full.explain(question)}", flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--finished", type=int, default=10_000_000)
    parser.add_argument("--ready", type=int, default=1_000_000)
    parser.add_argument("--only", default="", help="questions whose names have this text")
    parser.add_argument("--explain", action="store_true", help="show the plans of what is slow")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    needed = (given.finished + given.ready) * BYTES_EACH
    if shutil.disk_usage("/tmp").free < 2 * needed:
        sys.exit(f"This needs {needed / 2**30:.0f} GiB in /tmp and as much again left free: give --finished.")
    with ExitStack() as stack:
        empty, full = sides(stack)
        for side in (empty, full):
            side.migrate()
        began = time.perf_counter()
        fill(full.environment[f"{PREFIX}DATABASE_URL"], finished=given.finished, ready=given.ready)
        print(f"filled in {time.perf_counter() - began:.0f} s; load {os.getloadavg()[0]:.1f}", flush=True)
        for side in (empty, full):
            side.prepare()
        compare(empty, full, only=given.only, explains=given.explain)


if __name__ == "__main__":
    main()

"""What each page of the console takes with a million jobs behind it, beside what it may take.

    python -m tests.bench.console [--jobs 1000000] [--only TEXT]

Starts a PostgreSQL at its usual durability, set up as the Ansible role does, and a Redis. Each page is asked
for by an administrator, warm and in turn, of the whole application in this process. Needs 2 KB of disk for
each job, which is free again afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import shutil
import sys
import time
from contextlib import ExitStack

from app.settings.sources import PREFIX
from tests.bench.scale.filling import BYTES_EACH, SERVER
from tests.servers import PostgresServer, RedisServer

DATABASE = "console"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1_000_000, help="finished ones")
    parser.add_argument("--only", default="", help="pages whose addresses have this text")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    if shutil.disk_usage("/tmp").free < 2 * given.jobs * BYTES_EACH:
        needed = given.jobs * BYTES_EACH / 2**30
        sys.exit(f"This needs {needed:.0f} GiB in /tmp and as much again left free: give fewer --jobs.")
    with ExitStack() as stack:
        server, redis = PostgresServer(settings=SERVER), RedisServer()
        for each in (server, redis):
            stack.callback(each.close)
            each.start()
        server.execute(f"CREATE DATABASE {DATABASE}")
        values = {
            "secret_key": secrets.token_urlsafe(32),
            "database_url": server.url(DATABASE),
            "redis_url": redis.url,
            "api_token_per_second": "1000000",
        }
        os.environ.update({f"{PREFIX}{name.upper()}": value for name, value in values.items()})
        compare(server, jobs=given.jobs, only=given.only)


def compare(server: PostgresServer, *, jobs: int, only: str) -> None:
    """Fill the ledger, and ask for the pages."""
    # Importing these reads the settings.
    from app.db.migrations import revisions
    from tests.bench.console import asking, filling

    revisions.upgrade()
    began = time.perf_counter()
    filling.fill(server.url(DATABASE), jobs=jobs)
    load = os.getloadavg()[0]
    print(f"{jobs:,} jobs filled in {time.perf_counter() - began:.0f} s; load {load:.1f}", flush=True)
    assert server.process
    asyncio.run(asking.ask_all(jobs=jobs, only=only, server=server.process.pid))
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()

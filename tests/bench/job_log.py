"""What the log of jobs costs a drain: bodies that log nothing, and five lines each, with it and without.

    GROUNDWORK_SECRET_KEY=$(openssl rand -hex 32) python -m tests.bench.job_log [--jobs 4000] [--turns 3]

On PostgreSQL and Redis with their usual durability, in turns; a ratio is of a pair of turns, with the log to
without. What bodies log goes to the worker's own log either way, here to /dev/null.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from app.db.migrations import revisions
from tests.bench import drain_ledger, measures
from tests.bench.contenders import Servers

BODIES = ("nothing", "five_lines")
LEVELS = ("INFO", "OFF")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--jobs", type=int, default=4000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--body", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.body:
        print(json.dumps(drained(asked.body, jobs=asked.jobs)))
        return
    ratios: dict[str, list[float]] = {body: [] for body in BODIES}
    with tempfile.TemporaryDirectory(prefix="groundwork-bench-") as folder, Servers(Path(folder)) as servers:
        shared = {
            "GROUNDWORK_QUEUE_DEPTH_LIMIT": "1000000",
            "GROUNDWORK_REDIS_URL": servers.redis.url,
            "GROUNDWORK_DATABASE_URL": servers.database("bench"),
        }
        for turn in range(asked.turns + 1):
            for body in BODIES:
                # The one that comes first in one turn comes last in the next.
                found = {
                    level: _measured(body, level, jobs=asked.jobs, environment=shared)
                    for level in LEVELS[:: 1 if turn % 2 else -1]
                }
                print(f"turn {turn}, {body}:", found, f"load {os.getloadavg()[0]:.1f}", flush=True)
                if turn:
                    ratios[body].append(found["INFO"] / found["OFF"])
    for body, some in ratios.items():
        print(
            f"{body}: {statistics.median(some):.2f} of the rate without ({min(some):.2f} to {max(some):.2f})"
        )


def drained(body: str, *, jobs: int) -> float:
    """Jobs a second of the middle of a drain."""
    revisions.upgrade()
    drain_ledger.clean()
    drain_ledger.accept_batches(jobs, task=f"bench.{body}")
    return measures.drained_per_second(
        [*drain_ledger.WORKER, "-f", os.devnull],
        jobs=jobs,
        left=drain_ledger.left,
        all_done=drain_ledger.all_done,
    )


def _measured(body: str, level: str, *, jobs: int, environment: dict[str, str]) -> float:
    command = [sys.executable, "-m", "tests.bench.job_log", "--body", body, "--jobs", str(jobs)]
    known = {**os.environ, **environment, "GROUNDWORK_JOB_LOG_LEVEL": level}
    done = subprocess.run(command, env=known, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()

"""Jobs per second and latency: the ledger beside plain Celery and its peers, in one run.

    python -m tests.bench.jobs [--jobs 6000] [--rounds 3] [--only "plain Celery" PgQueuer]

Servers are started for the run and removed after it; PostgreSQL and SQLite work with full durability.
The peers are installed the first time, in environments of their own. Each figure is the median of the
rounds, which take turns so that a machine that changes its pace changes it for all. Ratios are against
plain Celery (acks_late, no results) in the same run.
"""

from __future__ import annotations

import argparse
import os
import secrets
import statistics
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.contenders import Contender, Servers, contenders
from tests.bench.measures import BATCH
from tests.bench.peers.environment import TooOld

#: Rounds that do not count: new servers are still laying out their files.
WARM_UP = 1
#: A contender is given as many jobs as it drains in this time, as of its round before.
DRAIN_SECONDS = 3
STOCK = "plain Celery"
#: What everything accepted is compared with.
ONE_BY_ONE = "accepted/s, one by one"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--jobs", type=int, default=6000, help="jobs to drain at least in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="names of the contenders to run")
    asked = parser.parse_args()
    os.environ["GROUNDWORK_SECRET_KEY"] = secrets.token_urlsafe(32)
    os.environ["GROUNDWORK_LOG_LEVEL"] = "WARNING"
    figures: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="groundwork-bench-") as folder, Servers(Path(folder)) as servers:
        every = contenders(servers)
        runs = runnable(every, only=asked.only or [one.name for one in every])
        least = max(1, asked.jobs // BATCH) * BATCH
        jobs = dict.fromkeys((one.name for one in runs), least)
        for round_ in range(asked.rounds + WARM_UP):
            for contender in runs:
                measured = one_round(contender, jobs=jobs[contender.name])
                jobs[contender.name] = enough(measured.get("drained/s", 0), least=least)
                for what, value in measured.items():
                    if round_ >= WARM_UP:
                        figures[contender.name, what].append(value)
            print(f"Round {round_} of {asked.rounds}; load {os.getloadavg()[0]:.1f}", flush=True)
    Console(width=150).print(report(runs, figures))


def one_round(contender: Contender, *, jobs: int) -> dict[str, float]:
    """Its figures; none if it failed, which ends no others' measuring."""
    try:
        measured = contender.measure(jobs=jobs)
    except subprocess.CalledProcessError:
        print(f"{contender.name} failed and is left out of this round; its reason stands above.", flush=True)
        return {}
    print(
        contender.name, *(f"{what}: {value:,.1f}" for what, value in measured.items()), sep="; ", flush=True
    )
    return measured


def runnable(every: list[Contender], *, only: list[str]) -> list[Contender]:
    """Those asked for that this machine has a Python for; their environments are made by now."""
    unknown = set(only) - {one.name for one in every}
    if unknown:
        names = ", ".join(one.name for one in every)
        raise SystemExit(f"There is no {', '.join(sorted(unknown))}. --only takes these: {names}.")
    found = []
    for contender in every:
        if contender.name in only:
            try:
                assert contender.python
                found.append(contender)
            except TooOld as error:
                print(error, flush=True)
    return found


def enough(per_second: float, *, least: int) -> int:
    """How many jobs take long enough to be timed, in whole batches."""
    return max(least, int(per_second * DRAIN_SECONDS / BATCH) * BATCH)


def report(runs: list[Contender], figures: dict[tuple[str, str], list[float]]) -> Table:
    """All medians, with their ratios to plain Celery's."""
    whats = list(dict.fromkeys(what for _, what in figures))
    table = Table(title="Jobs: medians, and ratios to plain Celery in the same run", show_lines=True)
    table.add_column("")
    for what in whats:
        table.add_column(what, justify="right")
    for contender in runs:
        table.add_row(contender.name, *(_cell(figures, contender.name, what) for what in whats))
    return table


def _cell(figures: dict[tuple[str, str], list[float]], name: str, what: str) -> str:
    values = figures.get((name, what))
    if not values:
        return ""
    median = statistics.median(values)
    stock = figures.get((STOCK, ONE_BY_ONE if what.startswith("accepted/s") else what))
    return f"{median:,.1f} ({median / statistics.median(stock):.2f})" if stock else f"{median:,.1f}"


if __name__ == "__main__":
    main()

"""Jobs per second and latency: the ledger beside plain Celery and procrastinate, in one run.

    python -m tests.bench.jobs [--jobs 6000] [--rounds 3]

Servers are started for the run and removed after it; PostgreSQL and SQLite work with full durability.
Each figure is the median of the rounds, which take turns so that a machine that changes its pace
changes it for all. Ratios are against plain Celery (acks_late, no results) in the same run.
"""

from __future__ import annotations

import argparse
import os
import secrets
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.contenders import Contender, Servers, contenders

#: Rounds that do not count: new servers are still laying out their files.
WARM_UP = 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--jobs", type=int, default=6000, help="jobs to drain in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="names of the contenders to run")
    asked = parser.parse_args()
    os.environ["GROUNDWORK_SECRET_KEY"] = secrets.token_urlsafe(32)
    os.environ["GROUNDWORK_LOG_LEVEL"] = "WARNING"
    figures: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="groundwork-bench-") as folder, Servers(Path(folder)) as servers:
        runs = [one for one in contenders(servers) if not asked.only or one.name in asked.only]
        for round_ in range(asked.rounds + WARM_UP):
            for contender in runs:
                for what, value in contender.measure(jobs=asked.jobs).items():
                    if round_ >= WARM_UP:
                        figures[contender.name, what].append(value)
    Console(width=110).print(report(runs, figures))


def report(runs: list[Contender], figures: dict[tuple[str, str], list[float]]) -> Table:
    """All medians with their ratios to plain Celery's."""
    table = Table(title="Jobs: medians, and ratios to plain Celery in the same run")
    for column, side in (("figure", "left"), ("contender", "left"), ("median", "right"), ("ratio", "right")):
        table.add_column(column, justify="right" if side == "right" else "left")
    whats = dict.fromkeys(what for _, what in figures)
    for what in whats:
        stock = figures.get(("plain Celery", what.split(",")[0]))
        for contender in runs:
            values = figures.get((contender.name, what))
            if values:
                median = statistics.median(values)
                ratio = f"{median / statistics.median(stock):.2f}" if stock else ""
                table.add_row(what, contender.name, f"{median:,.1f}", ratio)
        table.add_section()
    return table


if __name__ == "__main__":
    main()

"""This checkout beside another one, a release before for example: what became slower, and what faster.

    python -m tests.bench.against ../before [--database postgresql|sqlite] [--only drain latency] [--times 2]

Both run on servers of their own and take turns step by step, so that a machine that changes its pace changes
it for both. The other checkout needs its `.venv` (`scripts/install.py dev`). A ratio is the time of this
checkout to the time of the other: below 1 is faster.
"""

from __future__ import annotations

import argparse
import os
import secrets
import statistics
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tests.bench.contenders import ROOT, Servers

if TYPE_CHECKING:
    from collections.abc import Iterator

STEPS = Path(__file__).with_name("steps.py")
#: How often each step is taken.
TIMES = {
    "accept": 100,
    "accept 1,000": 40,
    "non-durable": 100,
    "API": 400,
    "API 1,000": 40,
    "latency": 400,
    "drain": 8,
}
#: Steps that do not count: statements are prepared and files laid out in them.
WARM_UP = 5
NEED_WORKER = frozenset({"latency"})
#: What begins with processes of its own each time has no use for a warm-up.
START_FRESH = frozenset({"drain"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("other", type=Path, help="the checkout to compare with")
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--only", nargs="*", choices=TIMES, default=list(TIMES))
    parser.add_argument("--times", type=float, default=1.0, help="so many times as many steps")
    asked = parser.parse_args()
    table = Table(title=f"Time of this checkout to that of {asked.other.name}, on {asked.database}")
    for column in ("step", "times", "other ms", "this ms", "median", "mean", "p95"):
        table.add_column(column, justify="left" if column == "step" else "right")
    with ExitStack() as closing:
        sides = [closing.enter_context(side(root, asked.database)) for root in (asked.other.resolve(), ROOT)]
        for name in asked.only:
            times = max(2, round(TIMES[name] * asked.times))
            table.add_row(name, str(times), *_compared(*taken(sides, name, times=times)))
    Console(width=100).print(table)


class Side:
    """One checkout at work."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def take(self, step: str) -> str:
        """Take one step; what it says, which is seconds for most."""
        assert self._process.stdin
        self._process.stdin.write(f"{step}\n")
        self._process.stdin.flush()
        return self.answer()

    @property
    def cpu_seconds(self) -> float:
        """Of the processes that it has started and seen end."""
        said = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(ticks) for ticks in said[13:15]) / os.sysconf("SC_CLK_TCK")

    def answer(self) -> str:
        """Its next line."""
        assert self._process.stdout
        line = self._process.stdout.readline().strip()
        if not line:
            raise SystemExit("One of the two checkouts stopped; what it said stands above.")
        return line


@contextmanager
def side(root: Path, database: str, **settings: str) -> Iterator[Side]:
    """A checkout at work on servers of its own, with these settings."""
    with _servers(database) as environment:
        process = subprocess.Popen(
            [root / ".venv/bin/python", "-P", STEPS],
            cwd=root,
            env={**os.environ, **environment, **settings, "PYTHONPATH": str(root)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process:
            started = Side(process)
            assert started.answer() == "ready"
            yield started


@contextmanager
def _servers(database: str) -> Iterator[dict[str, str]]:
    with ExitStack() as closing:
        folder = closing.enter_context(tempfile.TemporaryDirectory(prefix="groundwork-bench-"))
        servers = closing.enter_context(Servers(Path(folder)))
        servers.postgres.execute("CREATE DATABASE bench")
        sqlite = f"sqlite:///{Path(folder) / 'groundwork.db'}"
        yield {
            "GROUNDWORK_SECRET_KEY": secrets.token_urlsafe(32),
            "GROUNDWORK_LOG_LEVEL": "WARNING",
            "GROUNDWORK_REDIS_URL": servers.redis.url,
            "GROUNDWORK_DATABASE_URL": servers.postgres.url("bench") if database == "postgresql" else sqlite,
            "BENCH_REDIS_URL": servers.redis.url,
        }


def taken(sides: list[Side], name: str, *, times: int) -> tuple[list[float], ...]:
    """The seconds of each side for each time, in turns."""
    if name in NEED_WORKER:
        [side.take("start worker") for side in sides]
    for _ in range(0 if name in START_FRESH else WARM_UP):
        [side.take(name) for side in sides]
    seconds: tuple[list[float], ...] = tuple([] for _ in sides)
    for turn in range(times):
        # Whoever goes second finds the caches full of the first one's.
        for index in range(len(sides)) if turn % 2 else reversed(range(len(sides))):
            seconds[index].append(float(sides[index].take(name)))
    if name in NEED_WORKER:
        [side.take("stop worker") for side in sides]
    return seconds


def _compared(other: list[float], this: list[float]) -> list[str]:
    medians = [statistics.median(values) for values in (other, this)]
    means = [statistics.mean(values) for values in (other, this)]
    slow = [statistics.quantiles(values, n=20)[-1] for values in (other, this)]
    ratios = [f"{mine / theirs:.2f}" for theirs, mine in (medians, means, slow)]
    return [*(f"{value * 1000:,.2f}" for value in medians), *ratios]


if __name__ == "__main__":
    main()

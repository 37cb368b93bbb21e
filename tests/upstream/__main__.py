"""Runs the tests of kombu's Redis transport, and Celery's integration tests, on the stock transport and ours.

    python -m tests.upstream [--only "kombu unit" "celery canvas"] [--runs threads] [--kept-stock]

They come from the source packages of the installed versions, which the registry is asked for the first time,
and stay in `var/upstream/` with what pytest says. A test that passes on stock and fails on ours ends the
command with 1, unless `differences.py` says why it does.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from rich.console import Console

from tests.upstream import report, sources
from tests.upstream.differences import reason_of
from tests.upstream.outcomes import Outcome
from tests.upstream.report import Result
from tests.upstream.runs import LAST, Run
from tests.upstream.suites import STOCK, SUITES, TRANSPORT, WORKER, Suite


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=[suite.name for suite in SUITES])
    parser.add_argument("--runs", nargs="*", choices=[*TRANSPORT, *WORKER], help="some of ours")
    parser.add_argument("--kept-stock", action="store_true", help="as the stock transport did last time")
    parser.add_argument("--at-once", type=int, default=os.cpu_count(), help="suites beside each other")
    asked = parser.parse_args()
    suites = [suite for suite in SUITES if not asked.only or suite.name in asked.only]
    for library in {suite.library for suite in suites}:
        sources.tests_of(library)
    sources.plugins()
    asked_of = partial(result, only=asked.runs, is_stock_kept=asked.kept_stock)
    with ThreadPoolExecutor(asked.at_once) as pool:
        results = list(pool.map(asked_of, suites))
    console = Console(width=150, soft_wrap=True)
    for one in results:
        for line in one.told():
            console.print(line, markup=False, highlight=False)
    console.print(report.table(results))
    if any(one.unexpected() for one in results):
        sys.exit(1)


def result(suite: Suite, *, only: list[str] | None, is_stock_kept: bool) -> Result:
    """All runs of a suite; what fails on ours alone is tried once more, by itself."""
    found = Result(suite=suite)
    stock = Run(suite=suite, name=STOCK)
    found.runs[STOCK] = (is_stock_kept and stock.last()) or _done(stock)
    for name in suite.ours:
        if only and name not in only:
            continue
        run = Run(suite=suite, name=name)
        found.runs[name] = _done(run)
        failed = [test for test in found.differences(name) if not reason_of(test)]
        again = run.again(failed) if failed else {}
        found.unsteady[name] = [test for test, outcome in again.items() if outcome is Outcome.PASSED]
    return found


def _done(run: Run) -> dict[str, Outcome]:
    outcomes = run.outcomes()
    print(f"{run.suite.name}, {run.name}: done; load {os.getloadavg()[0]:.1f}", flush=True)
    if not outcomes:
        raise SystemExit(f"{run.suite.name}, {run.name}: nothing ran. pytest says why in {LAST}")
    return outcomes


if __name__ == "__main__":
    main()

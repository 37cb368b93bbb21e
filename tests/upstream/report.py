"""What the runs of a suite came to, side by side."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.table import Table

from tests.upstream.differences import reason_of
from tests.upstream.outcomes import Outcome
from tests.upstream.suites import STOCK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.upstream.suites import Suite


@dataclass(kw_only=True)
class Result:
    """Of one suite."""

    suite: Suite
    #: By the names of the runs, and of the tests.
    runs: dict[str, Mapping[str, Outcome]] = field(default_factory=dict)
    #: What failed on ours alone, and passed when it was tried once more, by itself.
    unsteady: dict[str, list[str]] = field(default_factory=dict)

    @property
    def ours(self) -> list[str]:
        """The runs that are compared with stock."""
        return [run for run in self.runs if run != STOCK]

    def differences(self, run: str) -> list[str]:
        """What passes on stock, and not in this run."""
        good = (Outcome.PASSED, Outcome.SKIPPED)
        passed = [test for test, outcome in self.runs[STOCK].items() if outcome is Outcome.PASSED]
        return [
            test
            for test in passed
            if self.runs[run].get(test) not in good and test not in self.unsteady.get(run, ())
        ]

    def unexpected(self) -> list[str]:
        """Those without a reason."""
        return [test for run in self.ours for test in self.differences(run) if not reason_of(test)]

    def told(self) -> Iterator[str]:
        """Test by test: what fails on both, what on ours alone, and why."""
        for test, outcome in self.runs[STOCK].items():
            if outcome in (Outcome.FAILED, Outcome.NOT_RUN):
                yield f"{outcome.value} on stock: {test}"
        for run in self.ours:
            for test in self.unsteady.get(run, ()):
                yield f"{run}: {test} failed, and passed when it was run by itself"
            for test in self.differences(run):
                yield f"{run}: {test}: {reason_of(test) or 'NOT EXPECTED'}"


def table(results: list[Result]) -> Table:
    """How many of each."""
    made = Table("tests", "run", *(outcome.value for outcome in Outcome), "on ours alone", "unexpected")
    for result in results:
        for run, outcomes in result.runs.items():
            counted = Counter(outcomes.values())
            alone = [] if run == STOCK else result.differences(run)
            unexpected = [test for test in alone if not reason_of(test)]
            cells = [*(counted[outcome] for outcome in Outcome), len(alone), len(unexpected)]
            made.add_row(result.suite.name, run, *map(str, cells))
    return made

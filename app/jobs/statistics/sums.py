"""Sums of what has ended, and how they are added up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from app.jobs.statistics.buckets import PLACES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

FINISHED, ATTEMPT, RUN, WAIT = "finished", "attempt", "run", "wait"


class Counted(NamedTuple):
    """So many ends of one kind within a minute."""

    task: str
    queue: str
    #: `run` or `wait` for a histogram bucket, else what is counted.
    kind: str
    #: Upper bound of the bucket in seconds; the state or the outcome otherwise.
    bucket: str
    minute: datetime
    ends: int
    seconds: float


def _no_times() -> list[int]:
    return [0] * len(PLACES)


@dataclass
class Sums:
    """All that is counted of a span of time."""

    jobs: Counter[str] = field(default_factory=Counter)
    attempts: Counter[str] = field(default_factory=Counter)
    run: list[int] = field(default_factory=_no_times)
    wait: list[int] = field(default_factory=_no_times)
    run_seconds: float = 0.0
    wait_seconds: float = 0.0

    @classmethod
    def of_row(cls, row: Any) -> Sums:
        """What a row says; what of it cannot be read counts as nothing, and hides no other."""
        return cls(
            jobs=_counts(row.jobs),
            attempts=_counts(row.attempts),
            run=_times(row.run),
            wait=_times(row.wait),
            run_seconds=row.run_seconds,
            wait_seconds=row.wait_seconds,
        )

    def count(self, one: Counted) -> None:
        """Add what was counted."""
        match one.kind:
            case "finished":
                self.jobs[one.bucket] += one.ends
            case "attempt":
                self.attempts[one.bucket] += one.ends
            case "run":
                self.run[PLACES[one.bucket]] += one.ends
                self.run_seconds += one.seconds
            case "wait":
                self.wait[PLACES[one.bucket]] += one.ends
                self.wait_seconds += one.seconds

    def add(self, other: Sums) -> None:
        """Add the sums of another span."""
        self.jobs += other.jobs
        self.attempts += other.attempts
        self.run = [ours + theirs for ours, theirs in zip(self.run, other.run, strict=True)]
        self.wait = [ours + theirs for ours, theirs in zip(self.wait, other.wait, strict=True)]
        self.run_seconds += other.run_seconds
        self.wait_seconds += other.wait_seconds

    def as_row(self) -> Mapping[str, Any]:
        """The columns that hold it."""
        return {
            "jobs": dict(self.jobs),
            "attempts": dict(self.attempts),
            "run": self.run,
            "wait": self.wait,
            "run_seconds": self.run_seconds,
            "wait_seconds": self.wait_seconds,
        }


def _counts(value: object) -> Counter[str]:
    found = value if isinstance(value, dict) else {}
    return Counter({str(name): count for name, count in found.items() if _is_count(count)})


def _times(value: object) -> list[int]:
    is_whole = isinstance(value, list) and len(value) == len(PLACES) and all(map(_is_count, value))
    return list(value) if isinstance(value, list) and is_whole else _no_times()


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0

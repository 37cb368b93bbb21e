"""Adds up a day: how much was worked on it, and how much of it lies between entries."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from app.domains.billing.time_capture.worked import Part

_SECOND = timedelta(seconds=1)


class Sums(NamedTuple):
    """What is stored of a day; entries that overlap are counted each."""

    entries: int
    seconds: int
    billable_seconds: int
    gap_seconds: int


@dataclass(kw_only=True)
class Tally:
    """What is known of a day so far."""

    parts: list[Part] = field(default_factory=list)
    billable: timedelta = timedelta()

    def add(self, part: Part, *, is_billable: bool) -> None:
        """Count what of an entry lies on the day."""
        self.parts.append(part)
        if is_billable:
            self.billable += part.end - part.start

    def sums(self) -> Sums:
        """Everything together."""
        worked = sum((part.end - part.start for part in self.parts), timedelta())
        return Sums(
            len(self.parts), worked // _SECOND, self.billable // _SECOND, self._uncovered() // _SECOND
        )

    def _uncovered(self) -> timedelta:
        parts = sorted((part.start, part.end) for part in self.parts)
        covered_until, uncovered = parts[0][0], timedelta()
        for start, end in parts:
            uncovered += max(timedelta(), start - covered_until)
            covered_until = max(covered_until, end)
        return uncovered

"""How many jobs of a bulk act have their turn together, and when the next have theirs."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from app.domains.bulk.errors import UnusablePace
from app.jobs.chosen import BATCH

if TYPE_CHECKING:
    from app.domains.bulk.models import BulkAct

PER = {"second": 1, "minute": 60}
#: In one step of five seconds, no more than one transaction takes.
MAX_PER = {"second": 100, "minute": 6_000}
STEP = timedelta(seconds=5)
LONGEST = timedelta(hours=24)
_NUMBER = re.compile(r"\d{1,6}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """At most so many jobs in so many seconds."""

    jobs: int
    seconds: int

    @property
    def at_once(self) -> int:
        """The jobs of a step: those of `STEP`, and at least one."""
        return min(max(int(STEP.total_seconds() * self.jobs / self.seconds), 1), BATCH)

    @property
    def pause(self) -> timedelta:
        """After a step, until the next."""
        return timedelta(seconds=self.at_once * self.seconds / self.jobs)


def pace_of(*, number: str, per: str, jobs: int) -> Pace | None:
    """The pace that somebody typed, for so many jobs; None for as fast as it goes. Raises `UnusablePace`."""
    if not number.strip():
        return None
    if per not in PER:
        raise UnusablePace(problem=f"a pace is so many jobs a {' or a '.join(PER)}")
    if not _NUMBER.fullmatch(number.strip()) or not 1 <= int(number) <= MAX_PER[per]:
        most = f"{MAX_PER[per]:,}"
        raise UnusablePace(problem=f"the pace is a whole number from 1 to {most} jobs a {per}, or left empty")
    found = Pace(jobs=int(number), seconds=PER[per])
    if jobs * found.seconds / found.jobs > LONGEST.total_seconds():
        least = math.ceil(jobs * PER["minute"] / LONGEST.total_seconds())
        raise UnusablePace(
            problem=f"{jobs:,} jobs at {found.jobs:,} a {per} take longer than 24 hours. Choose {least:,} a "
            "minute or more, or fewer jobs"
        )
    return found


def of(act: BulkAct) -> Pace | None:
    """The pace of an act; None for as fast as it goes."""
    if act.pace_jobs is None or act.pace_seconds is None:
        return None
    return Pace(jobs=act.pace_jobs, seconds=act.pace_seconds)

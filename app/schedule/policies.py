"""What becomes of a schedule's moments that are missed, crowded or late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Overlap(StrEnum):
    """What becomes of a moment while the job of an earlier one is not finished."""

    ALLOW = "allow"  # its job runs beside
    SKIP = "skip"  # it has no job
    QUEUE_ONE = "queue_one"  # its job waits its turn in the queue, but no second one does


class Misfire(StrEnum):
    """What becomes of moments that nobody saw, because no beat ran or the database was away."""

    SKIP = "skip"  # none is fired late
    ONCE = "once"  # the latest stands for all
    ALL = "all"  # each is fired, the oldest first


@dataclass(frozen=True, kw_only=True)
class Policies:
    """How a schedule behaves beside when it fires."""

    overlap: Overlap = Overlap.ALLOW
    misfire: Misfire = Misfire.ONCE
    #: A moment older than this is not fired any more; None for `GROUNDWORK_CATCH_UP_SECONDS`.
    grace: timedelta | None = None
    #: Each job waits a part of this after its moment, so that many schedules do not begin at once.
    jitter: timedelta = timedelta(0)
    #: A schedule without a success for so long is reported; None: it is not watched.
    success_within: timedelta | None = None

"""What came of many schedules lately, and how each of them is now."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, union_all

from app.jobs.ledger.models import TERMINAL, Job, State
from app.schedule.models import RunOutcome, ScheduleEntry, ScheduleRun

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

#: So many of the last moments of each schedule are looked at.
MOMENTS = 20
#: Of all schedules together: jobs that nobody works off may be many.
MAX_UNFINISHED = 1_000
#: Nothing that is done sooner is called long.
NEVER_LONG = timedelta(minutes=1)
#: How many times as long as any of its last jobs is long.
LONG = 2
#: A moment that nobody has seen for so long is late: beat looks every second.
LATE = timedelta(minutes=1)


class Condition(StrEnum):
    """How a schedule is; of several, the one that comes first here."""

    GONE = "gone"
    PAUSED = "paused"
    NOT_FIRED = "not fired"
    OVERDUE = "overdue"
    LATE = "late"
    LONG = "running long"
    MISSED = "missed"
    FAILED = "failed"
    NEW = "new"
    WELL = "well"


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """A job of a schedule that is not finished; `started_at` is None while none of its attempts runs."""

    job_id: str
    moment: datetime
    started_at: datetime | None


@dataclass(kw_only=True)
class Recent:
    """The last moments of a schedule, the newest first, and its oldest job that is not finished."""

    runs: list[Row[Any]] = field(default_factory=list)
    unfinished: Unfinished | None = None

    @property
    def longest(self) -> timedelta | None:
        """How long the longest of its jobs ran that were done."""
        ran = [
            run.finished_at - run.started_at
            for run in self.runs
            if run.outcome == RunOutcome.DONE and run.started_at and run.finished_at
        ]
        return max(ran, default=None)

    def runs_long(self, *, now: datetime) -> bool:
        """Whether a job runs for longer than those before it did."""
        if self.unfinished is None or self.unfinished.started_at is None or self.longest is None:
            return False
        return now - self.unfinished.started_at > max(LONG * self.longest, NEVER_LONG)


NOTHING = Recent()


def recent(session: Session, names: Collection[str]) -> dict[str, Recent]:
    """What came of the last moments of these schedules; one without any is not in it."""
    found: defaultdict[str, Recent] = defaultdict(Recent)
    for run in _runs(session, names):
        found[run.schedule].runs.append(run)
    for row in _unfinished(session, names):
        if found[row.schedule].unfinished is None:
            # Between two attempts it has the time of the last one.
            started_at = row.started_at if row.state == State.RUNNING else None
            found[row.schedule].unfinished = Unfinished(
                job_id=row.job_id, moment=row.moment, started_at=started_at
            )
    return dict(found)


def condition(entry: ScheduleEntry, seen: Recent, *, now: datetime) -> Condition:
    """How a schedule is."""
    last = next((run.outcome for run in seen.runs if run.outcome is not None), None)
    signs = {
        Condition.GONE: entry.gone_at is not None,
        Condition.PAUSED: not entry.enabled,
        Condition.NOT_FIRED: entry.problem is not None,
        Condition.OVERDUE: entry.overdue_since is not None,
        Condition.LATE: entry.next_at is not None and now - entry.next_at > LATE,
        Condition.LONG: seen.runs_long(now=now),
        Condition.MISSED: last == RunOutcome.MISSED,
        Condition.FAILED: last == RunOutcome.DEAD,
        Condition.NEW: not seen.runs,
    }
    return next((one for one, is_so in signs.items() if is_so), Condition.WELL)


def _runs(session: Session, names: Collection[str]) -> Iterable[Row[Any]]:
    """The last `MOMENTS` of each: by the index of schedule and moment, however long the history is.

    Each is asked for by itself: one condition for all would be tried on all moments of each.
    """
    if not names:
        return ()
    columns = (
        ScheduleRun.schedule,
        ScheduleRun.moment,
        ScheduleRun.job_id,
        ScheduleRun.outcome,
        ScheduleRun.started_at,
        ScheduleRun.finished_at,
    )
    newest = select(*columns).order_by(ScheduleRun.moment.desc()).limit(MOMENTS)
    each = union_all(*(select(newest.where(ScheduleRun.schedule == name).subquery()) for name in names))
    found = each.subquery()
    return session.execute(select(found).order_by(found.c.schedule, found.c.moment.desc()))


def _unfinished(session: Session, names: Collection[str]) -> Iterable[Row[Any]]:
    oldest = (
        select(ScheduleRun.schedule, ScheduleRun.job_id, ScheduleRun.moment, Job.started_at, Job.state)
        .join(Job, Job.id == ScheduleRun.job_id)
        .where(ScheduleRun.schedule.in_(names), ScheduleRun.outcome.is_(None), Job.state.not_in(TERMINAL))
        .order_by(ScheduleRun.moment)
        .limit(MAX_UNFINISHED)
    )
    return session.execute(oldest)

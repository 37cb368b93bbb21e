"""Gathers what the mail about a day says. A day is one of UTC, as the hours are in which ends are counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from app.jobs.ledger.models import Job, Outcome, State
from app.jobs.ledger.states import in_state
from app.jobs.statistics.by_task import by_task
from app.jobs.statistics.figures import Step, percentile
from app.jobs.statistics.sums import Sums
from app.jobs.transitions.rollup import watermark
from app.outbound.alerts.models import Alert
from app.outbound.alerts.service import open_alerts
from app.outbound.deliveries.models import Delivery, DeliveryState
from app.schedule.models import RunOutcome, ScheduleRun

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy.orm import InstrumentedAttribute, Session

#: So many tasks, schedules and alerts are named; the others are counted.
MAX_NAMED = 40
_FAILED = (Outcome.RETRIED, Outcome.FAILED, Outcome.LOST)


class TaskDay(NamedTuple):
    """How a task's jobs went."""

    task: str
    ended: int
    #: Attempts that failed, those that were tried again included.
    failed: int
    dead: int
    #: Seconds that 19 of 20 attempts ran at most, about; None where none did.
    p95: float | None


class Few(NamedTuple):
    """The first of many, and how many there are beyond them."""

    shown: Sequence[tuple[str, str]]
    more: int


@dataclass(frozen=True, kw_only=True)
class Day:
    """All of it."""

    day: date
    total: TaskDay
    tasks: Sequence[TaskDay]
    more_tasks: int
    #: Up to when ends were counted, where that is not the whole day.
    counted_until: datetime | None
    #: Schedules with how many of their moments were missed.
    missed: Few
    #: Alerts, each with its sentence.
    begun: Few
    ended: Few
    #: What needs a person now.
    open: Few
    dead: int
    uncertain: int

    @property
    def needs_nobody(self) -> bool:
        """Whether a person may leave it at that."""
        return not (self.open.shown or self.dead or self.uncertain)


def gather(session: Session, *, begin: datetime) -> Day:
    """What there is to say of the day that begins then."""
    end = begin + timedelta(days=1)
    sums = by_task(session, begin=begin, end=end, step=Step.HOUR)
    tasks = sorted((_day_of(task, found) for task, found in sums.items()), key=_worst_first)
    total = Sums()
    for found in sums.values():
        total.add(found)
    counted = watermark(session)
    return Day(
        day=begin.date(),
        total=_day_of("", total),
        tasks=tasks[:MAX_NAMED],
        more_tasks=len(tasks[MAX_NAMED:]),
        counted_until=counted if counted is not None and counted < end else None,
        missed=_few(_missed(session, begin=begin, end=end)),
        begun=_few(_alerts(session, Alert.opened_at, begin=begin, end=end)),
        ended=_few(_alerts(session, Alert.closed_at, begin=begin, end=end)),
        open=_few(map(_shown, open_alerts(session))),
        dead=session.scalar(select(func.count()).where(in_state(State.DEAD)).select_from(Job)) or 0,
        uncertain=_uncertain(session),
    )


def _day_of(task: str, sums: Sums) -> TaskDay:
    return TaskDay(
        task=task,
        ended=sum(sums.jobs.values()),
        failed=sum(sums.attempts[outcome] for outcome in _FAILED),
        dead=sums.jobs[State.DEAD],
        p95=percentile(sums.run, 0.95),
    )


def _worst_first(one: TaskDay) -> tuple[int, int, int, str]:
    return -one.dead, -one.failed, -one.ended, one.task


def _missed(session: Session, *, begin: datetime, end: datetime) -> Iterable[tuple[str, str]]:
    missed = (ScheduleRun.fired_at >= begin) & (ScheduleRun.fired_at < end)
    counts = select(ScheduleRun.schedule, func.count()).where(
        missed, ScheduleRun.outcome == RunOutcome.MISSED
    )
    rows = session.execute(counts.group_by(ScheduleRun.schedule).order_by(ScheduleRun.schedule))
    return [(schedule, f"{count:,}") for schedule, count in rows]


def _alerts(
    session: Session,
    moment: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
    *,
    begin: datetime,
    end: datetime,
) -> Iterable[tuple[str, str]]:
    rows = select(Alert).where(moment >= begin, moment < end).order_by(moment, Alert.id)
    return map(_shown, session.scalars(rows))


def _shown(alert: Alert) -> tuple[str, str]:
    return f"{alert.kind} {alert.subject}".rstrip(), alert.sentence


def _uncertain(session: Session) -> int:
    uncertain = select(func.count()).where(Delivery.state == DeliveryState.UNCERTAIN)
    return session.scalar(uncertain) or 0


def _few(rows: Iterable[tuple[str, str]]) -> Few:
    found = list(rows)
    return Few(shown=found[:MAX_NAMED], more=len(found[MAX_NAMED:]))

"""Throughput, failures, and how long jobs waited and ran, over a span of time.

Percentiles are estimated from the buckets that times are counted in: within one, times are taken to lie
evenly, and one beyond the last bound is told as that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.db.clock import now as db_now
from app.jobs.ledger.models import State
from app.jobs.statistics.adding import ALL, HOUR, MINUTE, MINUTES_KEPT, floor
from app.jobs.statistics.buckets import BOUNDS
from app.jobs.statistics.errors import SpanTooLong, StepNotKept, UnusableSpan
from app.jobs.statistics.models import StatHour, StatMinute
from app.jobs.statistics.sums import Sums

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    Table = type[StatMinute | StatHour]

#: So many steps at most are told of at once, and chosen where none are asked for.
MAX_STEPS, CHOSEN_STEPS = 1_500, 300
USUAL_SPAN = timedelta(days=1)
_FIRST = datetime.min.replace(tzinfo=UTC)


class Step(StrEnum):
    """How long a time is counted as one."""

    MINUTE = "1m"
    FIVE_MINUTES = "5m"
    QUARTER = "15m"
    HOUR = "1h"
    DAY = "1d"

    @property
    def length(self) -> timedelta:
        """It as a time."""
        return _LENGTHS[self]

    @property
    def table(self) -> Table:
        """The table that has it, in the same pieces or smaller ones."""
        return StatMinute if self.length < HOUR else StatHour


_LENGTHS = {
    Step.MINUTE: MINUTE,
    Step.FIVE_MINUTES: 5 * MINUTE,
    Step.QUARTER: 15 * MINUTE,
    Step.HOUR: HOUR,
    Step.DAY: 24 * HOUR,
}


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How long it took, in seconds; the percentiles are estimates from buckets."""

    count: int
    mean: float | None
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What ended in the time from `begins_at`."""

    begins_at: datetime
    seconds: float
    done: int
    dead: int
    cancelled: int
    #: Jobs that were done or are dead, in a second.
    per_second: float
    #: By outcome; the same job may have several.
    attempts: dict[str, int]
    run: Spread
    wait: Spread


@dataclass(frozen=True, kw_only=True)
class Series:
    """Steps of a span in which something ended, and the whole of it."""

    step: Step
    #: What ended later is not counted yet; null before anything was.
    counted_until: datetime | None
    total: Figures
    steps: list[Figures]


def series(
    session: Session,
    *,
    counted_until: datetime | None,
    begin: datetime | None = None,
    end: datetime | None = None,
    step: Step | None = None,
    task: str | None = None,
    queue: str | None = None,
) -> Series:
    """The figures of a task, a queue, or all, from `begin` to `end`: a day until now where they are left out.

    Raises `UnusableSpan`, `SpanTooLong` or `StepNotKept`.
    """
    now = db_now(session)
    end = now if end is None else end
    begin = usual_begin(end) if begin is None else begin
    chosen = _step(begin, end, asked=step, now=now)
    begin = floor(begin, chosen.length)
    found = _sums(session, chosen, _of(chosen.table, task, queue), begin=begin, end=end)
    total = Sums()
    for sums in found.values():
        total.add(sums)
    seconds = chosen.length.total_seconds()
    # Of a span that is not over, nothing has ended in what is left of it.
    until = min(end, now) if begin < now else end
    return Series(
        step=chosen,
        counted_until=counted_until,
        total=_figures(begin, total, seconds=(until - begin).total_seconds()),
        steps=[_figures(begins_at, sums, seconds=seconds) for begins_at, sums in sorted(found.items())],
    )


def usual_begin(end: datetime) -> datetime:
    """When a span begins of which only the end was said."""
    return end - min(USUAL_SPAN, end - _FIRST)


def _step(begin: datetime, end: datetime, *, asked: Step | None, now: datetime) -> Step:
    if begin >= end:
        raise UnusableSpan(begin=begin, end=end)
    fits = [step for step in Step if step.table is StatHour or begin >= now - MINUTES_KEPT]
    if asked is None:
        chosen = next((step for step in fits if (end - begin) / step.length <= CHOSEN_STEPS), Step.DAY)
    elif asked not in fits:
        raise StepNotKept(step=asked, kept=MINUTES_KEPT)
    else:
        chosen = asked
    if (end - begin) / chosen.length > MAX_STEPS:
        raise SpanTooLong(step=chosen, longest=MAX_STEPS * chosen.length)
    return chosen


def _of(table: Table, task: str | None, queue: str | None) -> list[ColumnElement[bool]]:
    # A task may have jobs in several queues; of a queue, and of all, there are sums.
    of_task = table.task == (ALL if task is None else task)
    if task is not None and queue is None:
        return [of_task]
    return [of_task, table.queue == (ALL if queue is None else queue)]


def _sums(
    session: Session, step: Step, of: Sequence[ColumnElement[bool]], *, begin: datetime, end: datetime
) -> dict[datetime, Sums]:
    table = step.table
    rows = select(*table.__table__.c).where(table.begins_at >= begin, table.begins_at < end, *of)
    found: dict[datetime, Sums] = {}
    for row in session.execute(rows):
        found.setdefault(floor(row.begins_at, step.length), Sums()).add(Sums.of_row(row))
    return found


def _figures(begins_at: datetime, sums: Sums, *, seconds: float) -> Figures:
    done, dead = sums.jobs[State.DONE], sums.jobs[State.DEAD]
    return Figures(
        begins_at=begins_at,
        seconds=seconds,
        done=done,
        dead=dead,
        cancelled=sums.jobs[State.CANCELLED],
        per_second=(done + dead) / seconds,
        attempts=dict(sums.attempts),
        run=_spread(sums.run, seconds=sums.run_seconds),
        wait=_spread(sums.wait, seconds=sums.wait_seconds),
    )


def _spread(times: Sequence[int], *, seconds: float) -> Spread:
    count = sum(times)
    return Spread(
        count=count,
        mean=seconds / count if count else None,
        p50=percentile(times, 0.50),
        p95=percentile(times, 0.95),
        p99=percentile(times, 0.99),
    )


def percentile(times: Sequence[int], share: float) -> float | None:
    """The time that this share of all is within, about; None where there are none."""
    rank, before, lower = share * sum(times), 0, 0.0
    for bound, count in zip(BOUNDS, times, strict=False):
        if count and before + count >= rank:
            return lower + (bound - lower) * (rank - before) / count
        before, lower = before + count, bound
    return lower if any(times) else None

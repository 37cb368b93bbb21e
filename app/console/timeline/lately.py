"""The last hour and the last day, drawn small: how many jobs ended, how long they waited, how many do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from app.console.timeline.charts import Axis, Bar
from app.console.timeline.lanes import bars_of, chart, ended, waited
from app.jobs.statistics import samples
from app.jobs.statistics.adding import MINUTE, floor
from app.jobs.statistics.figures import Step, series
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.console.timeline.lanes import Chart
    from app.jobs.statistics.figures import Figures

SPANS = (("Last hour", timedelta(hours=1), Step.MINUTE), ("Last day", timedelta(days=1), Step.HOUR))


@dataclass(frozen=True, kw_only=True)
class Row:
    """What there was in a step; None where nobody counted."""

    at: datetime
    figures: Figures | None
    waiting: int | None


@dataclass(frozen=True, kw_only=True)
class Lately:
    """A stretch of time that has just passed."""

    title: str
    step: Step
    axis: Axis
    charts: Sequence[Chart]
    #: Those of which something is known, the newest first.
    rows: Sequence[Row]


@dataclass
class _Drawn:
    """What was drawn last in this process, and of what."""

    of: Hashable = None
    found: Sequence[Lately] = ()


_last = _Drawn()


def look(session: Session, *, counted_until: datetime | None, now: datetime) -> Sequence[Lately]:
    """Both, drawn anew when more was counted, or a minute has passed."""
    of = (settings().database, counted_until, floor(now, MINUTE))
    if counted_until is None or _last.of != of:
        found = [_lately(session, *span, now=now) for span in SPANS]
        # In this order, so that nobody takes what was drawn before for it.
        _last.found, _last.of = found, of
        return found
    return _last.found


def _lately(session: Session, title: str, length: timedelta, step: Step, *, now: datetime) -> Lately:
    end = floor(now, step.length) + step.length
    axis = Axis(begin=end - length, end=end)
    found = series(session, counted_until=None, begin=axis.begin, end=axis.end, step=step)
    waiting = _waiting(session, axis) if step is Step.MINUTE else {}
    depths = [Bar(at=at, lasts=step.length, value=number) for at, number in waiting.items()]
    charts = [
        chart(axis, bars_of(found, ended), title="Jobs that ended", step=step),
        chart(axis, bars_of(found, waited), title="Wait, p95", is_time=True),
    ]
    if waiting:
        charts.append(chart(axis, depths, title="Jobs that wait"))
    known = {one.begins_at: one for one in found.steps}
    moments = sorted({*known, *waiting}, reverse=True)
    rows = [Row(at=at, figures=known.get(at), waiting=waiting.get(at)) for at in moments]
    return Lately(title=title, step=step, axis=axis, charts=charts, rows=rows)


def _waiting(session: Session, axis: Axis) -> dict[datetime, int]:
    """The most jobs that waited at once in each minute in which somebody counted."""
    found: dict[datetime, int] = {}
    for at, number in samples.waiting(session, begin=axis.begin, end=axis.end):
        minute = floor(at, MINUTE)
        found[minute] = max(found.get(minute, 0), number)
    return found

"""The lanes of the timeline, each from a question of its own: one that takes too long leaves the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.console.pages import seconds
from app.console.questions import answer
from app.console.timeline import happenings
from app.console.timeline.charts import Axis, Bar, Mark, bars, rectangles
from app.jobs.ledger.models import Outcome
from app.jobs.statistics.figures import series
from app.jobs.transitions.rollup import watermark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from app.console.timeline.asked import Asked
    from app.jobs.statistics.figures import Figures, Series
    from app.tokens.callers import Caller

FAILED = (Outcome.RETRIED, Outcome.FAILED, Outcome.LOST)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A lane of bars."""

    title: str
    #: How many in all, and the most in a step.
    said: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """A lane of what happened; None where that was cut off."""

    title: str
    marks: Sequence[Mark] | None
    rectangles: Sequence[tuple[float, float, str]]


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """All of it; the charts are None where they were cut off."""

    axis: Axis
    charts: Sequence[Chart] | None
    rows: Sequence[Row]
    series: Series | None

    @property
    def happened(self) -> list[tuple[str, Mark]]:
        """What happened, the newest first."""
        found = [(row.title, mark) for row in self.rows for mark in row.marks or ()]
        return sorted(found, key=lambda one: one[1].at, reverse=True)


def look(wanted: Asked, *, caller: Caller) -> Timeline:
    """What there was in that time, as far as `caller` may know of it."""
    axis = wanted.axis
    found = answer(
        lambda session: series(
            session,
            counted_until=watermark(session),
            begin=axis.begin,
            end=axis.end,
            step=wanted.step,
        )
    )
    return Timeline(
        axis=axis,
        charts=None if found is None else _charts(axis, found),
        rows=[_row(axis, title, marks) for title, marks in happenings.look(axis, caller=caller)],
        series=found,
    )


def _charts(axis: Axis, found: Series) -> list[Chart]:
    def failed(step: Figures) -> float:
        return sum(step.attempts.get(outcome, 0) for outcome in FAILED)

    return [
        _chart(axis, found, "Jobs that ended", lambda step: step.done + step.dead + step.cancelled),
        _chart(axis, found, "Jobs that died", lambda step: step.dead),
        _chart(axis, found, "Attempts that failed", failed),
        _chart(
            axis, found, "Attempts lost with their workers", lambda step: step.attempts.get(Outcome.LOST, 0)
        ),
        _chart(axis, found, "Wait, p95", lambda step: step.wait.p95 or 0.0, is_time=True),
        _chart(axis, found, "Run, p95", lambda step: step.run.p95 or 0.0, is_time=True),
    ]


def _chart(
    axis: Axis, found: Series, title: str, value: Callable[[Figures], float], *, is_time: bool = False
) -> Chart:
    length = found.step.length
    of = [Bar(at=step.begins_at, lasts=length, value=value(step)) for step in found.steps]
    most = max((bar.value for bar in of), default=0.0)
    said = f"at most {seconds(most)}" if is_time else f"{sum(bar.value for bar in of):,.0f}"
    if not is_time and most:
        said += f", at most {most:,.0f} in {found.step}"
    return Chart(title=title, said=said if most else "none", path=bars(axis, of, most=most))


def _row(axis: Axis, title: str, marks: Iterable[Mark] | None) -> Row:
    known = None if marks is None else list(marks)
    return Row(title=title, marks=known, rectangles=rectangles(axis, known or ()))

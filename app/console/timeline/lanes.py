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
    from app.jobs.statistics.figures import Figures, Series, Step
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

    def lost(step: Figures) -> float:
        return step.attempts.get(Outcome.LOST, 0)

    step = found.step
    return [
        chart(axis, bars_of(found, ended), title="Jobs that ended", step=step),
        chart(axis, bars_of(found, lambda step: step.dead), title="Jobs that died", step=step),
        chart(axis, bars_of(found, failed), title="Attempts that failed", step=step),
        chart(axis, bars_of(found, lost), title="Attempts lost with their workers", step=step),
        chart(axis, bars_of(found, waited), title="Wait, p95", is_time=True),
        chart(axis, bars_of(found, lambda step: step.run.p95 or 0.0), title="Run, p95", is_time=True),
    ]


def ended(step: Figures) -> float:
    """How many jobs ended in a step."""
    return step.done + step.dead + step.cancelled


def waited(step: Figures) -> float:
    """How long 95 of 100 of them waited at most."""
    return step.wait.p95 or 0.0


def bars_of(found: Series, value: Callable[[Figures], float]) -> list[Bar]:
    """A bar for each step."""
    length = found.step.length
    return [Bar(at=step.begins_at, lasts=length, value=value(step)) for step in found.steps]


def chart(
    axis: Axis, of: Sequence[Bar], *, title: str, step: Step | None = None, is_time: bool = False
) -> Chart:
    """A lane; what there is in a step of it is added up to how much there was in all."""
    most = max((bar.value for bar in of), default=0.0)
    said = f"at most {seconds(most)}" if is_time else f"at most {most:,.0f}"
    if step is not None and most:
        said = f"{sum(bar.value for bar in of):,.0f}, {said} in {step}"
    return Chart(title=title, said=said if most else "none", path=bars(axis, of, most=most))


def _row(axis: Axis, title: str, marks: Iterable[Mark] | None) -> Row:
    known = None if marks is None else list(marks)
    return Row(title=title, marks=known, rectangles=rectangles(axis, known or ()))

"""What the pages of schedules show, each from one question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.console.questions import answer, looking
from app.db.clock import now as db_now
from app.jobs.ledger.seal import MASK
from app.jobs.web import permissions
from app.schedule import defaults, history, service
from app.schedule.policies import Misfire, Overlap
from app.schedule.views import RunView, ScheduleView
from app.schedule.web.recent import NOTHING, Condition, condition, recent
from app.values.durations import written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.schedule.models import ScheduleEntry
    from app.schedule.web.recent import Recent
    from app.tokens.callers import Caller

MAX_ROWS = 100
#: On the page of one schedule.
MAX_RUNS, MOMENTS_AHEAD = 50, 10
#: They come last on a page.
CALM = frozenset({Condition.NEW, Condition.WELL, Condition.PAUSED, Condition.GONE})

#: What becomes of moments while a job runs, and of those that nobody saw.
OVERLAPS = {
    Overlap.ALLOW: "the next one runs beside it",
    Overlap.SKIP: "the next moment is skipped",
    Overlap.QUEUE_ONE: "one more waits its turn",
}
MISFIRES = {
    Misfire.SKIP: "none is fired",
    Misfire.ONCE: "the latest is fired",
    Misfire.ALL: "each is fired",
}


def when(entry: ScheduleEntry) -> str:
    """When a schedule fires, in words."""
    seconds = entry.interval_seconds
    return entry.rule.describe() if seconds is None else f"Every {written(seconds)}"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A schedule, how it is, and what came of it lately."""

    entry: ScheduleEntry
    seen: Recent
    condition: Condition

    @property
    def when(self) -> str:
        """When it fires, in words."""
        return when(self.entry)

    def runs_long(self, *, at: datetime) -> bool:
        """Whether a job of it runs for longer than those before it did."""
        return self.seen.runs_long(now=at)

    @property
    def outcomes(self) -> Sequence[str]:
        """What came of its last moments, the oldest first."""
        return [run.outcome or "open" for run in reversed(self.seen.runs)]

    @property
    def counts(self) -> Mapping[str, int]:
        """How many of its last moments came to what."""
        outcomes = self.outcomes
        return {outcome: outcomes.count(outcome) for outcome in dict.fromkeys(reversed(outcomes))}


@dataclass(frozen=True, kw_only=True)
class Some:
    """A page of schedules, those first that need a look."""

    rows: Sequence[Row]
    at: datetime
    #: The name after which the next page begins.
    next: str | None


@dataclass(frozen=True, kw_only=True)
class One:
    """A schedule with its history, and what it is about to do."""

    row: Row
    at: datetime
    view: ScheduleView
    #: When its task has it fire, in words; None where no task declares it.
    declared: str | None
    ahead: Sequence[datetime]
    runs: Sequence[RunView]


def look(*, containing: str, after: str) -> Some | None:
    """A page of schedules; None where that was cut off."""
    return answer(lambda session: _some(session, containing=containing, after=after))


def look_at(name: str, *, caller: Caller) -> One:
    """One schedule as `caller` may see it. Raises `UnknownSchedule` and `CutOff`."""
    with looking() as session:
        entry, at = service.find(session, name), db_now(session)
        row, declared = _row(entry, recent(session, [name]), at=at), defaults.declared(entry)
        return One(
            row=row,
            at=at,
            view=_shown(entry, caller=caller),
            declared=declared.describe() if declared else None,
            ahead=service.preview(entry, after=at, count=MOMENTS_AHEAD),
            runs=[_shown_run(run, entry, caller=caller) for run in _runs(session, name)],
        )


def _some(session: Session, *, containing: str, after: str) -> Some:
    found = service.list_schedules(session, containing=containing, after=after, limit=MAX_ROWS + 1)
    shown, at = found[:MAX_ROWS], db_now(session)
    return Some(
        rows=sorted(rows_of(session, shown, at=at), key=lambda row: (row.condition in CALM, row.entry.name)),
        at=at,
        next=shown[-1].name if len(found) > MAX_ROWS else None,
    )


def rows_of(session: Session, entries: Sequence[ScheduleEntry], *, at: datetime) -> list[Row]:
    """These schedules with what came of them lately."""
    seen = recent(session, [entry.name for entry in entries])
    return [_row(entry, seen, at=at) for entry in entries]


def _row(entry: ScheduleEntry, seen: Mapping[str, Recent], *, at: datetime) -> Row:
    lately = seen.get(entry.name, NOTHING)
    return Row(entry=entry, seen=lately, condition=condition(entry, lately, now=at))


def _runs(session: Session, name: str) -> Sequence[Any]:
    return history.runs_of(session, name, limit=MAX_RUNS)


def _shown(entry: ScheduleEntry, *, caller: Caller) -> ScheduleView:
    view = ScheduleView.of(entry)
    if permissions.hidden_without(entry.task, caller=caller) is not None:
        view.arguments = dict.fromkeys(view.arguments, MASK)
    return view


def _shown_run(run: Any, entry: ScheduleEntry, *, caller: Caller) -> RunView:
    view = RunView.of(run)
    view.error = permissions.shown_error(view.error, task=entry.task, caller=caller)
    return view

"""A week of schedules, day by day: what came of their moments, which nobody saw, and which are to come."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, select

from app.schedule.models import RunOutcome, ScheduleEntry, ScheduleRun
from app.schedule.web.counting import DAY, INSTANT, count
from app.schedule.web.recent import LATE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

DAYS = 7
#: More moments of a day than these are told as numbers.
LISTED = 6
#: Of a schedule that had more in the week, no moment is looked at by itself.
MAX_RUNS = 100
#: Of schedules that were missed, so often at most is looked at what was missed with it.
MAX_GAPS = 1_000
#: What is said of a moment that has not come to anything.
OPEN, LATE_NOW, TO_COME = "not finished", "late", "to come"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One moment, and what came of it or will."""

    at: datetime
    word: str
    job_id: str | None = None
    ran: timedelta | None = None


@dataclass(kw_only=True)
class Day:
    """A day of UTC of one schedule."""

    begin: datetime
    #: How many of its moments came to what.
    counts: Counter[str] = field(default_factory=Counter)
    _marks: list[Mark] = field(default_factory=list)

    @property
    def total(self) -> int:
        """All its moments."""
        return self.counts.total()

    @property
    def marks(self) -> Sequence[Mark] | None:
        """Each of them in order; None where there are too many to read."""
        if self.total > LISTED or len(self._marks) != self.total:
            return None
        return sorted(self._marks, key=lambda mark: mark.at)

    def add(self, mark: Mark) -> None:
        """Have it listed; it was counted already."""
        self._marks.append(mark)

    def expect(self, entry: ScheduleEntry, *, begin: datetime, end: datetime, word: str) -> None:
        """Count and list the moments that a schedule has here from `begin` until just before `end`."""
        begin, end = max(begin, self.begin), min(end, self.begin + DAY)
        number = count(entry.rule, period=entry.period, begin=begin, end=end)
        if number:
            self.counts[word] += number
        if 0 < number <= LISTED:
            moments = entry.period.between(entry.rule, after=begin - INSTANT, upto=end - INSTANT)
            self._marks += [Mark(at=moment, word=word) for moment in moments]


def week(
    session: Session, entries: Collection[ScheduleEntry], *, begin: datetime, at: datetime
) -> dict[str, list[Day]]:
    """By the names of schedules, the days of the week that begins then, as they are known at `at`."""
    names = [entry.name for entry in entries]
    found = {name: [Day(begin=begin + number * DAY) for number in range(DAYS)] for name in names}
    _count(session, found, begin=begin)
    _list(session, found, begin=begin)
    gaps = _gaps(session, found, begin=begin)
    for entry in entries:
        first = entry.next_after(entry.seen_until)
        for day in found[entry.name]:
            for gap in gaps.get(entry.name, ()):
                # What it missed before an edit, nobody can tell: its moments were others.
                if entry.changed_at <= gap.moment:
                    day.expect(entry, begin=gap.moment + INSTANT, end=gap.end, word=RunOutcome.MISSED)
            if first is not None:
                _look_ahead(entry, day, first=first, at=at)
    return found


def _count(session: Session, found: Mapping[str, list[Day]], *, begin: datetime) -> None:
    borders = [(ScheduleRun.moment < begin + (number + 1) * DAY, number) for number in range(DAYS - 1)]
    day = case(*borders, else_=DAYS - 1).label("day")
    counted = select(ScheduleRun.schedule, day, ScheduleRun.outcome, func.count().label("runs"))
    rows = session.execute(
        counted.where(_within(found, begin)).group_by(ScheduleRun.schedule, day, ScheduleRun.outcome)
    )
    for row in rows:
        found[row.schedule][row.day].counts[row.outcome or OPEN] += row.runs


def _list(session: Session, found: Mapping[str, list[Day]], *, begin: datetime) -> None:
    few = [name for name, days in found.items() if 0 < sum(day.total for day in days) <= MAX_RUNS]
    columns = (ScheduleRun.schedule, ScheduleRun.moment, ScheduleRun.outcome, ScheduleRun.job_id)
    times = (ScheduleRun.started_at, ScheduleRun.finished_at)
    for row in session.execute(select(*columns, *times).where(_within(few, begin))):
        ran = row.finished_at - row.started_at if row.started_at and row.finished_at else None
        mark = Mark(at=row.moment, word=row.outcome or OPEN, job_id=row.job_id, ran=ran)
        found[row.schedule][(row.moment - begin) // DAY].add(mark)


def _within(names: Collection[str], begin: datetime) -> Any:
    return and_(
        ScheduleRun.schedule.in_(list(names)),
        ScheduleRun.moment >= begin,
        ScheduleRun.moment < begin + DAYS * DAY,
    )


@dataclass(frozen=True, kw_only=True)
class _Gap:
    """A moment that is noted as missed, and until when others were missed with it, which are not noted."""

    moment: datetime
    end: datetime


def _gaps(
    session: Session, found: Mapping[str, list[Day]], *, begin: datetime
) -> Mapping[str, Sequence[_Gap]]:
    missed = [name for name, days in found.items() if any(day.counts[RunOutcome.MISSED] for day in days)]
    gaps: defaultdict[str, list[_Gap]] = defaultdict(list)
    for row in [*_missed_within(session, missed, begin=begin), *_missed_last(session, found, begin=begin)]:
        end = min(row.following or row.fired_at, row.fired_at + INSTANT)
        gaps[row.schedule].append(_Gap(moment=row.moment, end=end))
    return gaps


_OTHER = ScheduleRun.__table__.alias()
#: What was fired when it was found missed, or later: not what somebody ran by hand in between.
_FOLLOWING = (
    select(func.min(_OTHER.c.moment))
    .where(
        _OTHER.c.schedule == ScheduleRun.schedule,
        _OTHER.c.moment > ScheduleRun.moment,
        _OTHER.c.fired_at >= ScheduleRun.fired_at,
    )
    .scalar_subquery()
)
_MISSED = select(
    ScheduleRun.schedule, ScheduleRun.moment, ScheduleRun.fired_at, _FOLLOWING.label("following")
).where(ScheduleRun.outcome == RunOutcome.MISSED)


def _missed_within(session: Session, names: Collection[str], *, begin: datetime) -> Sequence[Row[Any]]:
    newest = _MISSED.where(_within(names, begin)).order_by(ScheduleRun.moment.desc())
    return session.execute(newest.limit(MAX_GAPS)).all()


def _missed_last(session: Session, names: Collection[str], *, begin: datetime) -> Sequence[Row[Any]]:
    """Those that were missed last before the week: it may have lasted into it."""
    last = (
        select(func.max(_OTHER.c.moment))
        .where(_OTHER.c.schedule == ScheduleEntry.name, _OTHER.c.moment < begin)
        .scalar_subquery()
    )
    of_entry = and_(ScheduleRun.schedule == ScheduleEntry.name, ScheduleRun.moment == last)
    wanted = _MISSED.join(ScheduleEntry, of_entry).where(ScheduleEntry.name.in_(list(names)))
    return session.execute(wanted).all()


def _look_ahead(entry: ScheduleEntry, day: Day, *, first: datetime, at: datetime) -> None:
    end = first + INSTANT if entry.one_off else day.begin + DAY
    day.expect(entry, begin=first, end=min(end, at - LATE), word=LATE_NOW)
    day.expect(entry, begin=max(first, at - LATE), end=end, word=TO_COME)

"""Sums up what users worked, a row for each user, tenant and day of the user's own clock.

A day is summed up once it is over. Each run looks at all days of the last two months, so that one that was
missed is made up for, and at older ones on which an entry was changed in that time. Only what differs is
written: a second run finds nothing to do.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, exists, or_, select

from app.db.upsert import insert_or_update
from app.domains.accounts.service import clocks
from app.domains.billing.charging.bounds import check_year
from app.domains.billing.time_capture.models import DailySummary, TimeEntry
from app.domains.billing.time_capture.tallies import Sums, Tally
from app.domains.billing.time_capture.worked import SetAside, Span, entries_of
from app.settings.business_clock import local_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint

#: Users in one transaction.
CHUNK = 50
#: How long an outage may last, or an entry be late, without a day being left out.
LOOKED_AT = timedelta(days=62)
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Summed:
    """What a run did: users it looked at, summaries it wrote and removed, entries it had to leave out."""

    users: int = 0
    written: int = 0
    removed: int = 0
    set_aside: int = 0
    named: tuple[str, ...] = ()


class _Key(NamedTuple):
    tenant_id: int
    day: date


@dataclass(frozen=True, kw_only=True)
class _Days:
    """The days that are summed up: those from `first` to `last`, and older ones."""

    first: date
    last: date
    older: frozenset[date] = frozenset()

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last or day in self.older

    @property
    def span(self) -> Span:
        return Span.of(min(self.older, default=self.first), self.last)


def sum_up(
    session: Session, *, now: datetime, commit: Checkpoint, day: date | None = None, chunk: int = CHUNK
) -> Summed:
    """Sum up `day` for all users, or for each of them the days that are over by their own clock.

    `commit` ends the transaction of each chunk. Raises `YearNotAllowed`.
    """
    if day is not None:
        check_year(day.year, what="day of a summary")
    aside, done, after = SetAside(), Summed(), 0
    while users := _next(session, after=after, limit=chunk):
        for user in users:
            days = _Days(first=day, last=day) if day else _days_over(session, user, now=now, aside=aside)
            made = _made(session, user.user_id, days=days, aside=aside)
            written, removed = _keep(session, user.user_id, made, days=days, now=now)
            done = _added(done, written=written, removed=removed, aside=aside)
        after = users[-1].user_id
        commit({"users": done.users, "written": done.written, "removed": done.removed})
    return done


def _added(done: Summed, *, written: int, removed: int, aside: SetAside) -> Summed:
    return Summed(
        users=done.users + 1,
        written=done.written + written,
        removed=done.removed + removed,
        set_aside=len(aside.ids),
        named=tuple(aside.named),
    )


def _next(session: Session, *, after: int, limit: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """The next users who have entries, or had some."""
    clock = clocks()
    statement = (
        select(clock.c.user_id, clock.c.timezone)
        .where(
            clock.c.user_id > after,
            or_(
                exists().where(TimeEntry.user_id == clock.c.user_id),
                exists().where(DailySummary.user_id == clock.c.user_id),
            ),
        )
        .order_by(clock.c.user_id)
        .limit(limit)
    )
    return session.execute(statement).all()


def _days_over(session: Session, user: Row[*tuple[Any, ...]], *, now: datetime, aside: SetAside) -> _Days:
    last = local_time(now, timezone=user.timezone).date() - _DAY
    first = last - LOOKED_AT + _DAY
    changed = entries_of(
        session,
        [user.user_id],
        TimeEntry.changed_at >= datetime.combine(first, time(), UTC),
        Span.of(first, last).is_before_or_after(),
        aside=aside,
    )
    older = frozenset(part.day for worked in changed for part in worked.parts() if part.day < first)
    return _Days(first=first, last=last, older=older)


def _made(session: Session, user_id: int, *, days: _Days, aside: SetAside) -> dict[_Key, Sums]:
    tallies: dict[_Key, Tally] = defaultdict(Tally)
    for worked in entries_of(session, [user_id], days.span.covers(), aside=aside):
        for part in worked.parts():
            if part.day in days:
                tallies[_Key(worked.tenant_id, part.day)].add(part, is_billable=worked.is_billable)
    return {key: tally.sums() for key, tally in tallies.items()}


def _keep(
    session: Session, user_id: int, made: dict[_Key, Sums], *, days: _Days, now: datetime
) -> tuple[int, int]:
    """Write what differs from what is stored; how many rows that were, and how many are gone."""
    stored = _stored(session, user_id, days=days)
    # In one order for all: two runs at once would otherwise wait for each other.
    different = [key for key in sorted(made) if made[key] != stored.get(key)]
    _upsert(session, [_row(user_id, key, made[key], now=now) for key in different])
    gone = sorted(stored.keys() - made.keys())
    for key in gone:
        session.execute(
            delete(DailySummary).where(
                DailySummary.user_id == user_id,
                DailySummary.tenant_id == key.tenant_id,
                DailySummary.day == key.day,
            )
        )
    return len(different), len(gone)


def _stored(session: Session, user_id: int, *, days: _Days) -> dict[_Key, Sums]:
    sums = (getattr(DailySummary, name) for name in Sums._fields)
    statement = select(DailySummary.tenant_id, DailySummary.day, *sums).where(
        DailySummary.user_id == user_id,
        DailySummary.day >= min(days.older, default=days.first),
        DailySummary.day <= days.last,
    )
    rows = session.execute(statement)
    return {_Key(tenant_id, day): Sums(*found) for tenant_id, day, *found in rows if day in days}


def _row(user_id: int, key: _Key, sums: Sums, *, now: datetime) -> dict[str, Any]:
    return {"user_id": user_id, **key._asdict(), **sums._asdict(), "made_at": now}


def _upsert(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    statement = insert_or_update(session, DailySummary)
    changed = {name: statement.excluded[name] for name in (*Sums._fields, "made_at")}
    key = [DailySummary.user_id, DailySummary.tenant_id, DailySummary.day]
    session.execute(statement.on_conflict_do_update(index_elements=key, set_=changed), rows)

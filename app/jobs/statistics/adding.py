"""Adds what has ended to the minutes and hours in which it did, and forgets old ones.

Whoever adds holds the roll-up's watermark until its commit, so that nobody else adds meanwhile: what is
read here and written back is not somebody else's. An hour is added to as its minutes are, so that ends
which come late are in both.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from app.db.clock import clock
from app.db.upsert import insert_or_update
from app.jobs.statistics.models import StatHour, StatMinute
from app.jobs.statistics.sums import Sums

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy.orm import Session

    from app.jobs.statistics.sums import Counted

    Table = type[StatMinute | StatHour]
    Key = tuple[str, str, datetime]

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MINUTES_KEPT, HOURS_KEPT = timedelta(hours=48), timedelta(days=400)
#: In place of a task or a queue, where all are counted together.
ALL = ""
_KEY = ["task", "queue", "begins_at"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def floor(moment: datetime, span: timedelta) -> datetime:
    """The beginning of the span of that length, counted in UTC, which a moment lies in."""
    return moment - (moment - _EPOCH) % span


def add(session: Session, counted: Iterable[Counted]) -> None:
    """Add ends to their minutes and hours: to those of their task and queue, of the queue, and of all."""
    minutes: dict[Key, Sums] = {}
    for one in counted:
        for of in ((one.task, one.queue), (ALL, one.queue), (ALL, ALL)):
            minutes.setdefault((*of, one.minute), Sums()).count(one)
    hours: dict[Key, Sums] = {}
    for (task, queue, minute), sums in minutes.items():
        hours.setdefault((task, queue, floor(minute, HOUR)), Sums()).add(sums)
    _write(session, StatMinute, minutes)
    _write(session, StatHour, hours)


def _write(session: Session, table: Table, new: Mapping[Key, Sums]) -> None:
    if not new:
        return
    spans = {begins_at for _, _, begins_at in new}
    # Columns, not objects: what a session keeps would be older than what was written here.
    for row in session.execute(select(*table.__table__.c).where(table.begins_at.in_(spans))):
        known = new.get((row.task, row.queue, row.begins_at))
        if known is not None:
            known.add(Sums.of_row(row))
    rows = [dict(zip(_KEY, key, strict=True)) | dict(sums.as_row()) for key, sums in sorted_by_key(new)]
    statement = insert_or_update(session, table)
    columns = {name: statement.excluded[name] for name in Sums().as_row()}
    session.connection().execute(statement.on_conflict_do_update(index_elements=_KEY, set_=columns), rows)


def sorted_by_key(sums: Mapping[Key, Sums]) -> list[tuple[Key, Sums]]:
    """All of them in one order, whoever writes them."""
    return sorted(sums.items(), key=lambda item: item[0])


def forget(session: Session) -> None:
    """Delete the minutes and hours that are too old."""
    for table, kept in ((StatMinute, MINUTES_KEPT), (StatHour, HOURS_KEPT)):
        session.execute(delete(table).where(table.begins_at < clock(-kept.total_seconds())))

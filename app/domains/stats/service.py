"""Counts what users do, an hour at a time.

An hour is counted whole and written over what was counted before, so that counting twice is counting once.
The last hours are counted again each time, because a record reaches the logs later than what it tells of.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from app.db.clock import now as db_now
from app.db.pruning import prune
from app.db.upsert import insert_or_update
from app.domains.accounts import service as accounts
from app.domains.audit import service as audit
from app.domains.notifications import service as notifications
from app.domains.stats.models import UserStat
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint

HOUR = timedelta(hours=1)
#: A record that is later than this is not counted.
COUNTED_AGAIN = 6 * HOUR
#: After a longer outage, what lies further back is not counted.
LONGEST_GAP = timedelta(days=7)
#: Rows in one statement; a statement of SQLite takes 32,766 parameters.
PART = 1_000
COUNTS = ("logins", "failed_logins", "operations", "notifications")


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What a user did in some days."""

    user_id: int
    days: int
    logins: int
    failed_logins: int
    operations: int
    notifications: int
    last_seen_at: datetime | None


def sync(session: Session, *, commit: Checkpoint) -> dict[str, int]:
    """Count the last hours, and those since the last count. Each hour is committed by itself."""
    windows = rows = 0
    for begin in _windows(session):
        rows += count_hour(session, begin)
        windows += 1
        commit({"windows": windows, "rows": rows})
    kept_since = db_now(session) - timedelta(days=settings().audit_days)
    old = select(UserStat.id).where(UserStat.window_at < kept_since)
    return {"windows": windows, "rows": rows, "deleted": prune(session, old, commit=commit)}


def count_hour(session: Session, begin: datetime) -> int:
    """Count the hour that begins then; for how many users something was counted."""
    span = {"since": begin, "until": begin + HOUR}
    found: dict[int, dict[str, Any]] = {}
    for one in audit.activity(session, **span):
        counted = {"logins": one.logins, "operations": one.operations, "last_seen_at": one.last_seen_at}
        _row(found, one.user_id, begin).update(counted)
    failures = list(audit.failures(session, **span).items())
    for start in range(0, len(failures), PART):
        part = dict(failures[start : start + PART])
        for address, user_id in accounts.ids_at(session, part).items():
            _row(found, user_id, begin)["failed_logins"] += part[address]
    for user_id, count in notifications.count_notified(session, **span).items():
        _row(found, user_id, begin)["notifications"] = count
    _write(session, [found[user_id] for user_id in sorted(found)])
    return len(found)


def totals(session: Session, *, user_id: int, days: int) -> Totals:
    """What a user did in the last `days`. Raises `UserNotFound`."""
    accounts.find_user(session, user_id=user_id)
    since = db_now(session) - timedelta(days=days)
    sums = [func.coalesce(func.sum(getattr(UserStat, name)), 0) for name in COUNTS]
    mine = UserStat.user_id == user_id
    row = session.execute(select(*sums).where(mine, UserStat.window_at >= since)).one()
    # Not within the days: whoever was not seen for long was last seen before them.
    last = session.scalar(select(func.max(UserStat.last_seen_at)).where(mine))
    return Totals(user_id=user_id, days=days, **dict(zip(COUNTS, row, strict=True)), last_seen_at=last)


def _windows(session: Session) -> Iterator[datetime]:
    """The hours to count, the oldest first; the last one has not ended."""
    now = db_now(session)
    newest = session.scalar(select(func.max(UserStat.window_at)))
    begin = min(newest or now, now - COUNTED_AGAIN)
    begin = max(begin, now - LONGEST_GAP).replace(minute=0, second=0, microsecond=0)
    while begin <= now:
        yield begin
        begin += HOUR


def _row(found: dict[int, dict[str, Any]], user_id: int, begin: datetime) -> dict[str, Any]:
    empty = {"user_id": user_id, "window_at": begin, **dict.fromkeys(COUNTS, 0), "last_seen_at": None}
    return found.setdefault(user_id, empty)


def _write(session: Session, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), PART):
        statement = insert_or_update(session, UserStat).values(rows[start : start + PART])
        counted = {name: getattr(statement.excluded, name) for name in (*COUNTS, "last_seen_at")}
        session.execute(
            statement.on_conflict_do_update(index_elements=["user_id", "window_at"], set_=counted)
        )

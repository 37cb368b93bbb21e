"""Opens an issue for what is wrong with the entries of the last days, and closes it once it is mended.

An issue is a row: it stays while it lasts, its entry may be as old as it likes, and what comes back is
another row. A second run finds nothing to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import exists, func, select, update

from app.domains.accounts.service import clocks, find_user
from app.domains.billing.charging.entries import MAX_LENGTH
from app.domains.billing.time_capture.issues.finding import KINDS, Found, Name, find_issues
from app.domains.billing.time_capture.issues.keeping import opening
from app.domains.billing.time_capture.models import EntryIssue, TimeEntry
from app.domains.billing.time_capture.worked import SetAside, entries_of
from app.settings.business_clock import local_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint

#: Users in one transaction.
CHUNK = 50
#: Entries that are locked, and issues that are written, with one statement.
PART = 1_000
LOOKED_AT = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Validated:
    """What a run did: users it looked at, issues it opened and closed, entries it had to leave out."""

    users: int = 0
    opened: int = 0
    closed: int = 0
    set_aside: int = 0
    named: tuple[str, ...] = ()


class _Open(NamedTuple):
    id: int
    sentence: str


def validate(
    session: Session, *, now: datetime, commit: Checkpoint, user_id: int | None = None, chunk: int = CHUNK
) -> Validated:
    """Look at the entries of all users, or of one; `commit` ends the transaction of each chunk.

    Raises `UserNotFound`.
    """
    if user_id is not None:
        find_user(session, user_id=user_id)
    aside, done, after = SetAside(), Validated(), 0
    while users := _next(session, after=after, only=user_id, limit=chunk):
        for user in users:
            opened, closed = _validate(session, user, now=now, aside=aside)
            done = Validated(
                users=done.users + 1,
                opened=done.opened + opened,
                closed=done.closed + closed,
                set_aside=len(aside.ids),
                named=tuple(aside.named),
            )
        after = users[-1].user_id
        commit({"users": done.users, "opened": done.opened, "closed": done.closed})
    return done


def _next(session: Session, *, after: int, only: int | None, limit: int) -> Sequence[Row[*tuple[Any, ...]]]:
    clock = clocks()
    statement = select(clock.c.user_id, clock.c.timezone).where(
        clock.c.user_id > after, exists().where(TimeEntry.user_id == clock.c.user_id)
    )
    if only is not None:
        statement = statement.where(clock.c.user_id == only)
    return session.execute(statement.order_by(clock.c.user_id).limit(limit)).all()


def _validate(
    session: Session, user: Row[*tuple[Any, ...]], *, now: datetime, aside: SetAside
) -> tuple[int, int]:
    since = _since(now, timezone=user.timezone)
    known = _open_issues(session, user.user_id)
    # From where on entries are read that can overlap with one whose issues are in question.
    first = min(since, _first_with_issues(session, user.user_id) or since) - MAX_LENGTH
    conditions = (TimeEntry.started_at >= first, TimeEntry.started_at <= now)
    entries = entries_of(session, [user.user_id], *conditions, aside=aside)
    found = {one.name: one for one in find_issues(entries) if one.ended_at >= since or one.name in known}
    _say_anew(session, found, known)
    opened = _open(session, [one for name, one in found.items() if name not in known], now=now)
    mended = [
        issue.id for name, issue in known.items() if name not in found and name.entry_id not in aside.ids
    ]
    return opened, _close(session, mended, now=now)


def _since(now: datetime, *, timezone: str) -> datetime:
    """The beginning of the first day that is looked at."""
    here = local_time(now, timezone=timezone)
    return datetime.combine(here.date() - LOOKED_AT, time(), here.tzinfo).astimezone(UTC)


def _open_issues(session: Session, user_id: int) -> dict[Name, _Open]:
    statement = _of_user(
        select(EntryIssue.id, EntryIssue.sentence, EntryIssue.entry_id, EntryIssue.kind, EntryIssue.key),
        user_id,
    )
    return {
        Name(entry_id, kind, key): _Open(id_, sentence)
        for id_, sentence, entry_id, kind, key in session.execute(statement)
    }


def _first_with_issues(session: Session, user_id: int) -> datetime | None:
    began = select(func.min(TimeEntry.started_at)).select_from(EntryIssue)
    first: datetime | None = session.scalar(_of_user(began, user_id))
    return first


def _of_user(statement: Any, user_id: int) -> Any:
    """Only of open issues that are found here, and of entries of that user."""
    return statement.join(TimeEntry, TimeEntry.id == EntryIssue.entry_id).where(
        TimeEntry.user_id == user_id, EntryIssue.closed_at.is_(None), EntryIssue.kind.in_(KINDS)
    )


def _say_anew(session: Session, found: dict[Name, Found], known: dict[Name, _Open]) -> None:
    """Let issues say what they are by now: an overlap may have become longer."""
    said = [
        {"id": issue.id, "sentence": found[name].sentence}
        for name, issue in known.items()
        if name in found and found[name].sentence != issue.sentence
    ]
    if said:
        session.execute(update(EntryIssue), said)


def _open(session: Session, found: Sequence[Found], *, now: datetime) -> int:
    opened = 0
    for start in range(0, len(found), PART):
        part = found[start : start + PART]
        there = _still_there(session, {one.name.entry_id for one in part})
        rows = [_row(one, now=now) for one in part if one.name.entry_id in there]
        if rows:
            session.execute(opening(session), rows)
        opened += len(rows)
    return opened


def _still_there(session: Session, entry_ids: set[int]) -> set[int]:
    """Those of the entries that nobody deleted meanwhile, and nobody deletes before this transaction ends."""
    rows = select(TimeEntry.id).where(TimeEntry.id.in_(entry_ids)).order_by(TimeEntry.id)
    return set(session.scalars(rows.with_for_update(read=True, key_share=True)))


def _row(found: Found, *, now: datetime) -> dict[str, Any]:
    return {**found.name._asdict(), "sentence": found.sentence, "opened_at": now}


def _close(session: Session, issue_ids: Sequence[int], *, now: datetime) -> int:
    for start in range(0, len(issue_ids), PART):
        mended = EntryIssue.id.in_(issue_ids[start : start + PART])
        session.execute(update(EntryIssue).where(mended).values(closed_at=now))
    return len(issue_ids)

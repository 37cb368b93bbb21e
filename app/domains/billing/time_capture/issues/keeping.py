"""Opens and closes issues: of an entry, a kind and a key, one is open at most."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sqlalchemy import update

from app.db.upsert import insert_or_update
from app.domains.billing.time_capture.models import EntryIssue

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import CursorResult
    from sqlalchemy.dialects import postgresql, sqlite
    from sqlalchemy.orm import Session

    from app.domains.billing.time_capture.models import IssueKind


def opening(session: Session) -> postgresql.Insert | sqlite.Insert:
    """The INSERT of issues that leaves those alone that are open."""
    return insert_or_update(session, EntryIssue).on_conflict_do_nothing(
        index_elements=[EntryIssue.entry_id, EntryIssue.kind, EntryIssue.key],
        index_where=EntryIssue.closed_at.is_(None),
    )


def open_one(session: Session, *, entry_id: int, kind: IssueKind, sentence: str, now: datetime) -> bool:
    """Open an issue that has no other of its kind beside it, or let it say `sentence`; whether it is new."""
    row = {"entry_id": entry_id, "kind": kind, "key": "", "sentence": sentence, "opened_at": now}
    opened = session.scalar(opening(session).values(row).returning(EntryIssue.id))
    if opened is None:
        said = update(EntryIssue).where(EntryIssue.entry_id == entry_id, EntryIssue.kind == kind)
        session.execute(said.where(EntryIssue.closed_at.is_(None)).values(sentence=sentence))
    return opened is not None


def close_one(session: Session, *, entry_id: int, kind: IssueKind, now: datetime) -> bool:
    """Close the issue, if it is open; whether it was."""
    closed = update(EntryIssue).where(EntryIssue.entry_id == entry_id, EntryIssue.kind == kind)
    done = session.execute(closed.where(EntryIssue.closed_at.is_(None)).values(closed_at=now))
    return cast("CursorResult[tuple[()]]", done).rowcount > 0

"""Forgets old records, in batches; where an archive is set up, each batch is in it before it is deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from app.db.clock import now
from app.domains.audit import archive
from app.domains.audit.records import first_id
from app.jobs.errors import PermanentError
from app.settings.config import settings

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.domains.audit.models import Seen

MAX_DAYS = 36_500
#: So many records are one transaction, and one file of the archive.
BATCH = 5_000


class InvalidDays(PermanentError):
    """Raised for a time that nothing can be kept for."""

    code = "invalid_days"

    def __init__(self, *, days: object) -> None:
        super().__init__(
            f"Records cannot be kept for {days!r} days: give a whole number from 1 to {MAX_DAYS}."
        )


def prune_log(session: Session, table: type[Seen], *, days: int | None, commit: Checkpoint) -> int:
    """Delete what is older than `days`, by default those of the settings; how many. Commits each batch."""
    ends_at = now(session) - timedelta(days=_checked(days))
    total = 0
    while ids := _archived_batch(session, table, before=ends_at):
        batch = delete(table).where(table.id.in_(ids))
        session.execute(batch.execution_options(synchronize_session=False))
        total += len(ids)
        commit({"deleted": total})
    return total


def _checked(days: int | None) -> int:
    if days is None:
        return settings().audit_days
    if type(days) is not int or not 1 <= days <= MAX_DAYS:
        raise InvalidDays(days=days)
    return days


def _archived_batch(session: Session, table: type[Seen], *, before: datetime) -> list[UUID]:
    """The ids of the oldest records, which are safe in the archive if there is one.

    A run that ends between that and the commit is repeated with the same records, into the same file.
    """
    folder = settings().audit_archive_folder
    if folder is None:
        oldest = select(table.id).where(table.id < first_id(before))
        return list(session.scalars(oldest.order_by(table.id).limit(BATCH)))
    whole = select(table).where(table.id < first_id(before)).order_by(table.id).limit(BATCH)
    rows = session.scalars(whole).all()
    if rows:
        archive.write(folder, rows)
    session.expunge_all()
    return [row.id for row in rows]

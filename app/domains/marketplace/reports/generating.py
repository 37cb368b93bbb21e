"""Makes reports, each once. Nothing here commits but `commit`.

Files are named after what is in them: of two who make the same report at once, one has its files in rows, and
the other deletes its own if they are others. What a process left that was killed is written again by the next
attempt, for the same figures are the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from app.db.sessions import reading
from app.db.upsert import insert_or_update
from app.domains.marketplace.reports import page, spreadsheet, telling
from app.domains.marketplace.reports.gathering import figures_of
from app.domains.marketplace.reports.listing import files_of
from app.domains.marketplace.reports.models import Form, SalesReport
from app.domains.marketplace.reports.periods import refuse_unsound
from app.storage.stores import store

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.domains.marketplace.reports.figures import Figures
    from app.domains.marketplace.reports.periods import Period
    from app.storage.files import Stored

MIB = 1024**2
#: Some hundred times what one takes.
LIMIT = 64 * MIB
#: Of a digest, so many digits tell files of one report apart.
DIGITS = 16


@dataclass(frozen=True, kw_only=True)
class Made:
    """What came of a wish for a report: whether it is new, and how many are mailed it."""

    period: str
    made: bool
    mails: int = 0


def make(session: Session, period: Period, *, now: datetime, commit: Checkpoint) -> Made:
    """Make the report of a day or a month and have it mailed, unless there is one.

    Raises `TooLongAgo`, `NotOver` and `NotSettled`.
    """
    refuse_unsound(period, now=now)
    if files_of(session, kind=period.kind, period=str(period)):
        return Made(period=str(period), made=False)
    # It is long work, and nothing is to wait for it meanwhile.
    commit()
    with reading() as other:
        figures = figures_of(other, period)
    files = {form: _store(figures, form) for form in Form}
    if not _note(session, period, files, now=now):
        _delete_others(session, period, files)
        return Made(period=str(period), made=False)
    keys = {form: stored.key for form, stored in files.items()}
    return Made(period=str(period), made=True, mails=telling.tell(session, figures, keys=keys))


def _store(figures: Figures, form: Form) -> Stored:
    data = page.pdf_of(figures) if form is Form.PDF else spreadsheet.csv_of(figures)
    period = figures.period
    name = f"{period}-{sha256(data).hexdigest()[:DIGITS]}.{form}"
    return store().put(f"reports/{period.kind}/{name}", [data], limit=LIMIT)


def _note(session: Session, period: Period, files: dict[Form, Stored], *, now: datetime) -> bool:
    """Write the files down; whether nobody was first."""
    rows = [
        {
            "kind": period.kind,
            "period": str(period),
            "media_type": form.media_type,
            "storage_key": stored.key,
            "size": stored.size,
            "sha256": stored.sha256,
            "made_at": now,
        }
        for form, stored in files.items()
    ]
    statement = insert_or_update(session, SalesReport).values(rows).on_conflict_do_nothing()
    return bool(session.scalars(statement.returning(SalesReport.media_type)).all())


def _delete_others(session: Session, period: Period, files: dict[Form, Stored]) -> None:
    kept = {one.storage_key for one in files_of(session, kind=period.kind, period=str(period))}
    for stored in files.values():
        if stored.key not in kept:
            store().delete(stored.key)

"""Checks of the mirror of results."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from app.db.clock import now
from app.db.sessions import reading
from app.health.doctor.finding import Finding
from app.outbound.mirror import triggers
from app.outbound.mirror.models import ResultNote
from app.settings.config import settings

ABOUT = "mirror"
LATE = timedelta(minutes=1)


def results_are_mirrored() -> Finding:
    """Whether results are where clients elsewhere look for them."""
    place = settings().mirror
    if place is None:
        return Finding.ok(ABOUT, "Results are kept in the ledger alone.")
    if not triggers.are_there():
        return Finding.problem(
            ABOUT,
            f"Results are to be mirrored to {place.shown}, and nothing notes which there are.",
            fix="Restart beat, which sees to that when it starts; its log says what keeps it from it.",
        )
    with reading() as session:
        oldest = select(func.min(ResultNote.noted_at), func.count()).where(ResultNote.problem.is_(None))
        noted_at, waiting = session.execute(oldest).one()
        refused = session.scalar(select(func.count()).where(ResultNote.problem.is_not(None))) or 0
        late = noted_at is not None and now(session) - noted_at > LATE
    if late:
        return Finding.problem(
            ABOUT,
            f"{waiting} results wait to be mirrored to {place.shown}, since {noted_at.isoformat()}.",
            fix="Look whether that server answers from the host of beat, and at thread_fails in beat's log. "
            "Nothing is lost: what waits is written when it is back.",
        )
    if refused:
        return Finding.warning(
            ABOUT,
            f"{refused} results were refused by {place.shown}.",
            fix="See each as result_not_mirrored in beat's log. In MySQL, a table that a client made has "
            "room for 64 KiB: ALTER TABLE celery_taskmeta MODIFY result LONGBLOB, MODIFY children LONGBLOB.",
        )
    return Finding.ok(ABOUT, f"Results are mirrored to {place.shown}; {waiting} wait for it.")

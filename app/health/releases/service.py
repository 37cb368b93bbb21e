"""Notes releases as they begin to run, and tells when they did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from sqlalchemy import delete, func, select

from app.db.clock import clock
from app.db.sessions import reading, transaction
from app.db.upsert import insert_or_update
from app.health.releases.models import ReleaseStart
from app.jobs.ledger.models import Worker
from app.jobs.statistics.adding import HOURS_KEPT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

log = structlog.get_logger(__name__)

#: What is longer fits into no index, and tells nobody more.
MAX_NAME = 200


def note() -> None:
    """Note the release of the worker that started last, unless it is the one that was noted last."""
    with reading() as session:
        found = _unnoted(session)
    if found is None:
        return
    release, began_at = found
    with transaction() as session:
        # Whoever else looks now finds the same worker.
        row = insert_or_update(session, ReleaseStart).values(release=release, began_at=began_at)
        noted = row.on_conflict_do_nothing(index_elements=["release", "began_at"]).returning(ReleaseStart.id)
        if session.execute(noted).scalar() is not None:
            log.info("release_began", release=release, at=began_at.isoformat())


def within(session: Session, *, begin: datetime, end: datetime, limit: int) -> Sequence[ReleaseStart]:
    """Those that began in that time, the newest first."""
    rows = select(ReleaseStart).where(ReleaseStart.began_at >= begin, ReleaseStart.began_at < end)
    newest = rows.order_by(ReleaseStart.began_at.desc(), ReleaseStart.id.desc())
    return session.scalars(newest.limit(limit)).all()


def forget(session: Session) -> None:
    """Delete what began before the hours that are counted."""
    old = ReleaseStart.began_at < clock(-HOURS_KEPT.total_seconds())
    session.execute(delete(ReleaseStart).where(old).execution_options(synchronize_session=False))


def _unnoted(session: Session) -> tuple[str, datetime] | None:
    newest = select(Worker.release).order_by(Worker.started_at.desc(), Worker.name.desc()).limit(1)
    release = session.scalar(newest)
    last = session.scalars(
        select(ReleaseStart).order_by(ReleaseStart.began_at.desc(), ReleaseStart.id.desc()).limit(1)
    ).first()
    if release is None or (last is not None and last.release == release[:MAX_NAME]):
        return None
    first = select(func.min(Worker.started_at)).where(Worker.release == release)
    began_at = session.scalar(first if last is None else first.where(Worker.started_at > last.began_at))
    return None if began_at is None else (release[:MAX_NAME], began_at)

"""Opens and closes alerts as things break and are well again; nothing here commits.

However many processes look at once, one opens an alert and one closes it: the first by a unique index, the
second by an UPDATE that only one can win. What it writes with that, the deliveries and their jobs, is there
once. What comes and goes is one alert: it is closed after `GROUNDWORK_ALERT_RECOVERY_SECONDS` without a
relapse.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select, update

from app.db.clock import now as db_now
from app.db.pages import cut
from app.db.upsert import insert_or_update
from app.outbound.alerts import muting
from app.outbound.alerts.errors import AlertNotOpen
from app.outbound.alerts.message import AlertMessage, Event
from app.outbound.alerts.models import OPEN, Alert
from app.outbound.alerts.telling import tell
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.db.pages import Page
    from app.outbound.alerts.look import Look, Problem
    from app.outbound.alerts.telling import Told

log = structlog.get_logger(__name__)


def open_alerts(session: Session) -> Sequence[Alert]:
    """What is wrong now, the newest first."""
    return session.scalars(select(Alert).where(Alert.closed_at.is_(None)).order_by(Alert.id.desc())).all()


def newest(session: Session, *, limit: int) -> Sequence[Alert]:
    """The newest alerts, open or closed."""
    return session.scalars(select(Alert).order_by(Alert.id.desc()).limit(limit)).all()


def closed(session: Session, *, before: int | None, limit: int) -> Page:
    """Alerts that are over, the newest first; older ones than the one with the id `before`."""
    rows = select(Alert).where(Alert.closed_at.is_not(None)).order_by(Alert.id.desc())
    return cut(session, rows if before is None else rows.where(Alert.id < before), limit=limit)


def within(session: Session, *, begin: datetime, end: datetime, limit: int) -> Sequence[Alert]:
    """Alerts that were open at some moment of that time, the newest first."""
    was_open = Alert.closed_at.is_(None) | (Alert.closed_at >= begin)
    rows = select(Alert).where(Alert.opened_at < end, was_open)
    return session.scalars(rows.order_by(Alert.id.desc()).limit(limit)).all()


def is_news(session: Session, looks: Iterable[Look]) -> bool:
    """Whether `take` would write anything; a look, which does not take SQLite's one writer."""
    rows, now = open_alerts(session), db_now(session)
    for look in looks:
        known = {row.subject: row for row in rows if row.kind == look.kind}
        if look.problems.keys() - known.keys():
            return True
        for subject, row in known.items():
            if subject in look.problems:
                if row.well_since is not None or (row.untold and not _is_muted(session, row)):
                    return True
            elif look.judges(subject) and (row.well_since is None or _is_over(row, now=now)):
                return True
    return False


def take(session: Session, looks: Iterable[Look], *, direct: bool = False) -> list[Told]:
    """Bring alerts in line with what was found; what is to be sent of that.

    It is sent by jobs. With `direct` the caller sends it as soon as it has committed, because the way of jobs
    may be what is broken; the jobs then come later, and find it done.
    """
    rows, now = open_alerts(session), db_now(session)
    sent: list[Told] = []
    for look in looks:
        known = {row.subject: row for row in rows if row.kind == look.kind}
        for subject, problem in look.problems.items():
            if subject in known:
                sent += _go_on(session, known[subject], direct=direct)
            else:
                sent += _open(session, look.kind, subject, problem, at=now, direct=direct)
        for subject, row in known.items():
            if subject not in look.problems and look.judges(subject):
                sent += _note_well(session, row, now=now, direct=direct)
    session.flush()
    return sent


def note_outage(session: Session, kind: str, problem: Problem, *, since: datetime) -> None:
    """Open the alert of an outage that was told of while nothing could be written; it is told no more."""
    noted = select(Alert.id).where(Alert.kind == kind, Alert.opened_at == since)
    if session.scalar(noted) is None:
        _insert(session, kind, "", problem, at=since)


def close(session: Session, *, alert_id: int) -> None:
    """Close an alert that nobody can find well any more, such as that of a host that is gone; it is not told.

    Raises `AlertNotOpen`.
    """
    is_open = (Alert.id == alert_id) & Alert.closed_at.is_(None)
    closed = update(Alert).where(is_open).values(closed_at=db_now(session)).returning(Alert.id)
    if session.execute(closed.execution_options(synchronize_session=False)).scalar() is None:
        raise AlertNotOpen(alert_id=alert_id)


def _open(
    session: Session, kind: str, subject: str, problem: Problem, *, at: datetime, direct: bool
) -> list[Told]:
    alert = _insert(session, kind, subject, problem, at=at)
    if alert is None:
        return []
    if _is_muted(session, alert):
        alert.untold = True
        return []
    return tell(session, _message(alert, Event.OPENED), direct=direct)


def _go_on(session: Session, row: Alert, *, direct: bool) -> list[Told]:
    """Note that it is wrong still; what is to be sent, if nobody was told and it is muted no more."""
    row.well_since = None
    if not row.untold or _is_muted(session, row):
        return []
    row.untold = False
    # Whoever else sees that tells it under the same key.
    return tell(session, _message(row, Event.OPENED), direct=direct)


def _is_muted(session: Session, row: Alert) -> bool:
    known = muting.mutes(session)
    return muting.mute_of(known, kind=row.kind, subject=row.subject) is not None


def _insert(session: Session, kind: str, subject: str, problem: Problem, *, at: datetime) -> Alert | None:
    """A new alert; None where another process has opened it."""
    made = AlertMessage(
        key="",
        event=Event.OPENED,
        kind=kind,
        subject=subject,
        sentence=problem.sentence,
        fix=problem.fix,
        opened_at=at,
    )
    row = {name: getattr(made, name) for name in ("kind", "subject", "sentence", "fix", "opened_at")}
    statement = insert_or_update(session, Alert).values(row)
    opened = statement.on_conflict_do_nothing(
        index_elements=[Alert.kind, Alert.subject], index_where=OPEN
    ).returning(Alert.id)
    alert_id = session.execute(opened).scalar()
    if alert_id is None:
        return None
    log.error("alert_opened", alert=alert_id, kind=made.kind, subject=made.subject, sentence=made.sentence)
    return session.get_one(Alert, alert_id)


def _note_well(session: Session, row: Alert, *, now: datetime, direct: bool) -> list[Told]:
    if row.well_since is None:
        row.well_since = now
    if not _is_over(row, now=now):
        return []
    session.flush()
    # Of all who close it one does, and none after a relapse that another has seen.
    still = (Alert.id == row.id) & Alert.closed_at.is_(None) & (Alert.well_since <= row.well_since)
    closed = update(Alert).where(still).values(closed_at=now).returning(Alert.id)
    if session.execute(closed.execution_options(synchronize_session=False)).scalar() is None:
        return []
    session.refresh(row)
    log.info("alert_closed", alert=row.id, kind=row.kind, subject=row.subject)
    if row.untold:
        return []
    return tell(session, _message(row, Event.RECOVERED), direct=direct)


def _is_over(row: Alert, *, now: datetime) -> bool:
    """Whether it has been well for long enough; at once, where nothing is to be waited for."""
    hold = timedelta(seconds=settings().alert_recovery_seconds)
    return not hold or (row.well_since is not None and now - row.well_since >= hold)


def _message(row: Alert, event: Event) -> AlertMessage:
    return AlertMessage(
        key=f"alert:{row.id}:{event}",
        event=event,
        kind=row.kind,
        subject=row.subject,
        sentence=row.sentence,
        fix=row.fix,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
    )

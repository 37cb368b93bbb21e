"""Keeps alerts from being told until some time: they are opened and closed as ever, and seen.

What is still wrong when that time comes is told then. What was told before it was muted is told when it
is over, so that nobody waits for an end that came.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import delete, select

from app.db.clock import clock
from app.db.clock import now as db_now
from app.db.upsert import insert_or_update
from app.outbound.alerts.errors import MuteTooLong, NoReason, UnknownAlertKind
from app.outbound.alerts.kinds import known_kinds
from app.outbound.alerts.message import clean, cut
from app.outbound.alerts.models import ALL_SUBJECTS, Alert, AlertMute
from app.values.text import has_visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    Mutes = Mapping[tuple[str, str], AlertMute]

log = structlog.get_logger(__name__)

#: What is to be forgotten for longer is no alert.
LONGEST = timedelta(days=90)
MAX_SUBJECT, MAX_REASON, MAX_NAME = 2_000, 500, 320


def mute(session: Session, *, kind: str, subject: str | None, until: datetime, reason: str, by: str) -> bool:
    """Tell of no alert of `kind` until then, of one subject or of all; once more changes time and reason.

    The answer is whether that is new: not where it is muted until that very time for that reason.
    Raises `UnknownAlertKind`, `MuteTooLong` or `NoReason`.
    """
    _refuse_unknown(session, kind)
    now = db_now(session)
    if not now < until <= now + LONGEST:
        raise MuteTooLong(until=until, longest=LONGEST)
    if not has_visible(reason):
        raise NoReason
    said = {
        "until": until,
        "reason": cut(clean(reason), MAX_REASON),
        "muted_by": cut(clean(by), MAX_NAME),
        "muted_at": now,
    }
    key = {"kind": kind, "subject": _stored(subject)}
    statement = insert_or_update(session, AlertMute).values(key | said)
    changed = statement.on_conflict_do_update(
        index_elements=list(key),
        set_=said,
        where=(AlertMute.until != until) | (AlertMute.reason != said["reason"]),
    ).returning(AlertMute.kind)
    is_new = session.execute(changed).scalar() is not None
    if is_new:
        log.info("alerts_muted", **key, until=until.isoformat(), reason=said["reason"], by=said["muted_by"])
    return is_new


def unmute(session: Session, *, kind: str, subject: str | None, by: str) -> bool:
    """Tell of them again from now on; whether they were muted."""
    key = {"kind": kind, "subject": _stored(subject)}
    gone = delete(AlertMute).where(
        AlertMute.kind == key["kind"], AlertMute.subject == key["subject"], AlertMute.until > clock()
    )
    done = session.execute(
        gone.returning(AlertMute.kind).execution_options(synchronize_session=False)
    ).scalar()
    if done is not None:
        log.info("alerts_unmuted", **key, by=by)
    return done is not None


def find(session: Session, *, kind: str, subject: str | None) -> AlertMute | None:
    """What was said of them last, if they are muted."""
    row = session.get(AlertMute, (clean(kind), _stored(subject)))
    return row if row is not None and row.until > db_now(session) else None


def told_by(row: AlertMute | None) -> dict[str, str] | None:
    """How something is muted, as an audit log has it."""
    return None if row is None else {"until": row.until.isoformat(), "reason": row.reason, "by": row.muted_by}


def path_of(kind: str, subject: str | None) -> str:
    """What is muted, as an audit log has it."""
    return f"alerts/{kind}" if subject is None else f"alerts/{kind}/{subject}"


def muted(session: Session) -> Sequence[AlertMute]:
    """All that is muted now, what ends first before the others."""
    rows = select(AlertMute).where(AlertMute.until > clock())
    return session.scalars(rows.order_by(AlertMute.until, AlertMute.kind, AlertMute.subject)).all()


def mutes(session: Session) -> Mutes:
    """The same, to be asked by `mute_of`."""
    return {(row.kind, row.subject): row for row in muted(session)}


def mute_of(known: Mutes, *, kind: str, subject: str) -> AlertMute | None:
    """What mutes an alert; where two do, the one that does for longer."""
    found = [known[key] for key in ((kind, subject), (kind, ALL_SUBJECTS)) if key in known]
    return max(found, key=lambda row: row.until, default=None)


def forget(session: Session, *, before: datetime) -> None:
    """Delete what was muted until then."""
    gone = delete(AlertMute).where(AlertMute.until < before)
    session.execute(gone.execution_options(synchronize_session=False))


def _stored(subject: str | None) -> str:
    """As an alert has its subject."""
    return ALL_SUBJECTS if subject is None else cut(clean(subject), MAX_SUBJECT)


def _refuse_unknown(session: Session, kind: str) -> None:
    # One that another release raises is known once it has.
    if kind not in known_kinds():
        kind_seen = select(Alert.id).where(Alert.kind == clean(kind)).limit(1)
        if kind != clean(kind) or session.scalar(kind_seen) is None:
            raise UnknownAlertKind(kind=kind, known=known_kinds())

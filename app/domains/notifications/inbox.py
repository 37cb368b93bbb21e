"""A user's inbox: what was told in the application, and what was read of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from sqlalchemy import func, select, update

from app.db.clock import clock, now
from app.db.pages import cut
from app.domains.accounts.service import find_user
from app.domains.notifications.delivering import mail_key
from app.domains.notifications.errors import NotificationNotFound
from app.domains.notifications.models import ChannelDelivery, Notification
from app.outbound.deliveries.models import Delivery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import CursorResult
    from sqlalchemy.orm import Session

    from app.db.pages import Page

IS_UNREAD = Notification.read_at.is_(None)


@dataclass(frozen=True, kw_only=True)
class Unread:
    """How much there is to read, and the newest notification in the inbox."""

    count: int
    newest_id: int | None


def page(session: Session, *, user_id: int, unread_only: bool, before: int | None, limit: int) -> Page:
    """Notifications of the inbox below the id `before`. Raises `UserNotFound`."""
    find_user(session, user_id=user_id)
    rows = select(Notification).where(Notification.user_id == user_id, Notification.in_inbox)
    if unread_only:
        rows = rows.where(IS_UNREAD)
    if before is not None:
        rows = rows.where(Notification.id < before)
    return cut(session, rows.order_by(Notification.id.desc()), limit=limit)


def unread(session: Session, *, user_id: int) -> Unread:
    """What the user has not read. Raises `UserNotFound`."""
    find_user(session, user_id=user_id)
    shown = (Notification.user_id == user_id, Notification.in_inbox)
    newest = select(Notification.id).where(*shown).order_by(Notification.id.desc()).limit(1)
    count = select(func.count()).select_from(Notification).where(*shown, IS_UNREAD)
    return Unread(count=session.scalar(count) or 0, newest_id=session.scalar(newest))


def mark_read(session: Session, *, user_id: int, notification_id: int) -> Notification:
    """Note that a notification was read, at the first time. Raises `NotificationNotFound`."""
    statement = select(Notification).where(
        Notification.id == notification_id, Notification.user_id == user_id, Notification.in_inbox
    )
    found = session.scalars(statement.with_for_update()).one_or_none()
    if found is None:
        raise NotificationNotFound(notification_id=notification_id, user_id=user_id)
    found.read_at = found.read_at or now(session)
    session.flush()
    return found


def mark_all_read(session: Session, *, user_id: int, upto: int | None) -> int:
    """Note that all was read, or all up to the id `upto`; how many that were. Raises `UserNotFound`."""
    find_user(session, user_id=user_id)
    statement = update(Notification).where(
        Notification.user_id == user_id, Notification.in_inbox, Notification.read_at.is_(None)
    )
    if upto is not None:
        statement = statement.where(Notification.id <= upto)
    marked = session.execute(statement.values(read_at=clock()).execution_options(synchronize_session=False))
    return cast("CursorResult[tuple[()]]", marked).rowcount


def channels_of(session: Session, ids: Sequence[int]) -> dict[int, list[ChannelDelivery]]:
    """The channels of each of the notifications."""
    found: dict[int, list[ChannelDelivery]] = {id_: [] for id_ in ids}
    statement = select(ChannelDelivery).where(ChannelDelivery.notification_id.in_(ids))
    for channel in session.scalars(statement.order_by(ChannelDelivery.id)):
        found[channel.notification_id].append(channel)
    return found


def mail_states(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """What became of each notification's mail after it was handed on."""
    keys = {mail_key(id_): id_ for id_ in ids}
    rows = session.execute(select(Delivery.key, Delivery.state).where(Delivery.key.in_(keys)))
    return {keys[key]: state for key, state in rows}

"""Carries a notification out by one channel; what became of it is the channel's row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.db.clock import now as db_now
from app.domains.accounts.facts import Channel
from app.domains.accounts.service import person
from app.domains.notifications import push
from app.domains.notifications.errors import StillQuiet
from app.domains.notifications.models import (
    ChannelDelivery,
    ChannelState,
    Notification,
    PushEndpoint,
)
from app.jobs.errors import RetryableError
from app.outbound.deliveries.errors import Refused
from app.outbound.deliveries.models import DeliveryState
from app.outbound.deliveries.service import Outgoing, deliver, prepare
from app.outbound.mail.service import queue_mail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.domains.accounts.facts import Person


MAIL_TEMPLATE = "notifications/notice"
#: What no further attempt changes.
SETTLED = frozenset({ChannelState.SENT, ChannelState.SKIPPED})
NO_PROVIDER = "Push messages are not set up: GROUNDWORK_PUSH_PROVIDER is none."
NO_DEVICE = "The user has no device that takes push messages."


def mail_key(notification_id: int) -> str:
    """The key of the mail's own delivery, which tells what became of it after it was handed on."""
    return f"notification:{notification_id}"


@dataclass(frozen=True, kw_only=True)
class Try:
    """One attempt at a channel: the job that makes it, when, and how it keeps what is known so far."""

    job_id: str
    now: datetime
    is_last: bool
    commit: Checkpoint


def deliver_email(session: Session, *, notification_id: int, this: Try) -> ChannelState:
    """Hand the notification on as a mail; sent means handed on, once, with the caller's commit.

    Raises `StillQuiet`.
    """
    channel = _channel(session, notification_id, Channel.EMAIL)
    if channel.state in SETTLED:
        return ChannelState(channel.state)
    notification = session.get_one(Notification, notification_id)
    user = person(session, user_id=notification.user_id)
    _hold_while_quiet(channel, user, this=this)
    context = {
        "name": user.name,
        "title": notification.title,
        "body": notification.body,
        "type": notification.type,
    }
    queue_mail(
        session, key=mail_key(notification_id), to=[user.email], template=MAIL_TEMPLATE, context=context
    )
    return _mark(session, channel, ChannelState.SENT)


@dataclass(frozen=True, kw_only=True)
class _Tried:
    """What came of sending to one device; neither sent nor an error means that the device is gone."""

    was_sent: bool = False
    is_uncertain: bool = False
    error: RetryableError | Refused | None = None


def deliver_push(session: Session, *, notification_id: int, this: Try) -> ChannelState:
    """Send the notification to each device of the user. Raises what is left to do; all else is committed."""
    channel = _channel(session, notification_id, Channel.PUSH)
    if channel.state in SETTLED:
        return ChannelState(channel.state)
    port = push.configured()
    if port is None:
        return _mark(session, channel, ChannelState.SKIPPED, reason=NO_PROVIDER)
    notification = session.get_one(Notification, notification_id)
    user = person(session, user_id=notification.user_id)
    _hold_while_quiet(channel, user, this=this)
    tried = [
        _push(session, notification, device, port=port, this=this)
        for device in _devices(session, user.id, port=port)
    ]
    return _conclude(session, channel, tried, this=this)


def _hold_while_quiet(channel: ChannelDelivery, user: Person, *, this: Try) -> None:
    """Raise `StillQuiet` in the user's quiet hours; the last try is better made than given up."""
    until = user.quiet_until(this.now)
    if until is None or this.is_last:
        return
    channel.not_before = until
    this.commit()
    raise StillQuiet(user_id=user.id, until=until, now=this.now)


def _devices(session: Session, user_id: int, *, port: push.Port) -> Sequence[PushEndpoint]:
    statement = select(PushEndpoint).where(
        PushEndpoint.user_id == user_id,
        PushEndpoint.platform == port.platform,
        PushEndpoint.disabled_at.is_(None),
    )
    return session.scalars(statement.order_by(PushEndpoint.id)).all()


def _push(
    session: Session,
    notification: Notification,
    device: PushEndpoint,
    *,
    port: push.Port,
    this: Try,
) -> _Tried:
    delivery = prepare(session, _outgoing(notification, device))
    try:
        deliver(session, delivery, provider=port.to(device.address), job_id=this.job_id, commit=this.commit)
    except push.DeviceGone:
        device.disabled_at = db_now(session)
        this.commit()
        return _Tried()
    except (RetryableError, Refused) as error:
        return _Tried(error=error, is_uncertain=delivery.state == DeliveryState.UNCERTAIN)
    # The next device's call may be the last thing this process does.
    this.commit()
    return _Tried(was_sent=True)


def _outgoing(notification: Notification, device: PushEndpoint) -> Outgoing:
    return Outgoing(
        key=f"push:{notification.id}:{device.id}",
        channel=Channel.PUSH,
        recipient=f"push endpoint {device.id} of user {device.user_id}",
        subject=notification.title,
        content=push.content(notification),
    )


def _conclude(
    session: Session,
    channel: ChannelDelivery,
    tried: Sequence[_Tried],
    *,
    this: Try,
) -> ChannelState:
    passing = [one.error for one in tried if isinstance(one.error, RetryableError)]
    refused = [one.error for one in tried if isinstance(one.error, Refused)]
    if passing:
        # Whoever asked for the longest pause gets it.
        error = max(passing, key=lambda one: one.after or timedelta())
        last = ChannelState.UNCERTAIN if any(one.is_uncertain for one in tried) else ChannelState.FAILED
        _mark(session, channel, last if this.is_last else ChannelState.WAITING, reason=str(error))
        this.commit()
        raise error
    if any(one.was_sent for one in tried):
        return _mark(session, channel, ChannelState.SENT)
    if refused:
        _mark(session, channel, ChannelState.FAILED, reason=str(refused[0]))
        this.commit()
        raise refused[0]
    return _mark(session, channel, ChannelState.SKIPPED, reason=NO_DEVICE)


def _channel(session: Session, notification_id: int, channel: Channel) -> ChannelDelivery:
    statement = select(ChannelDelivery).where(
        ChannelDelivery.notification_id == notification_id, ChannelDelivery.channel == channel
    )
    return session.scalars(statement).one()


def _mark(
    session: Session, channel: ChannelDelivery, state: ChannelState, *, reason: str | None = None
) -> ChannelState:
    channel.state, channel.reason = state, reason
    channel.changed_at = db_now(session)
    return state

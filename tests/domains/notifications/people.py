"""Users to tell something, and what they were told."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.db.sessions import reading, transaction
from app.domains.accounts.models import User
from app.domains.accounts.preferences import Preferences
from app.domains.notifications import service
from app.domains.notifications.models import ChannelDelivery, Notification, Platform, PushEndpoint
from app.jobs.ledger.models import Job

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBERS = itertools.count(1)
#: Noon in the winter of Berlin.
NOON = datetime(2026, 1, 31, 11, tzinfo=UTC)


def add_user(*, name: str = "Ada", timezone: str = "Europe/Berlin", **preferences: Any) -> int:
    """A user with these preferences; gives the id."""
    number = next(_NUMBERS)
    user = User(
        email=f"{name}{number}@example.org",
        email_key=f"{name.lower()}{number}@example.org",
        name=name,
        timezone=timezone,
        locale="en",
        preferences=Preferences.model_validate(preferences).model_dump(mode="json"),
        created_at=NOON,
    )
    with transaction() as session:
        session.add(user)
        session.flush()
        return user.id


def add_device(user_id: int, *, address: str = "token-1", platform: Platform = Platform.FCM) -> int:
    """A device of the user; gives the id of its endpoint."""
    device = PushEndpoint(user_id=user_id, platform=platform, address=address, created_at=NOON)
    with transaction() as session:
        session.add(device)
        session.flush()
        return device.id


def tell(user_id: int, *, key: str = "k", now: datetime = NOON, **facts: Any) -> int:
    """Tell the user something; gives the notification's id."""
    usual = {"type": "bill_reminder", "title": "Rent is due", "body": "Pay 800.00 EUR."}
    with transaction() as session:
        return service.notify(session, key=key, user_id=user_id, now=now, **(usual | facts))


def notifications() -> Sequence[Notification]:
    """All there are, the oldest first."""
    with reading() as session:
        return session.scalars(select(Notification).order_by(Notification.id)).all()


def channels(notification_id: int) -> dict[str, ChannelDelivery]:
    """The channels of a notification."""
    with reading() as session:
        rows = session.scalars(
            select(ChannelDelivery).where(ChannelDelivery.notification_id == notification_id)
        )
        return {row.channel: row for row in rows}


def states(notification_id: int) -> dict[str, str]:
    """The state of each channel of a notification."""
    return {name: row.state for name, row in channels(notification_id).items()}


def jobs_of(task: str) -> Sequence[Job]:
    """The jobs of a task, the oldest first."""
    with reading() as session:
        return session.scalars(select(Job).where(Job.task == task).order_by(Job.id)).all()


def until(seconds: float) -> datetime:
    """So many seconds from now."""
    return datetime.now(UTC) + timedelta(seconds=seconds)

"""Who is told: by which channels, and from when on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.accounts.errors import UserNotFound
from app.domains.accounts.models import User
from app.domains.accounts.preferences import Preferences, preferences_of
from app.domains.notifications.models import Channel

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.domains.notifications.facts import Notice


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """A user as far as telling goes; `quiet_until` is when the quiet hours of now end, if it is in them."""

    preferences: Preferences
    quiet_until: datetime | None

    def channels(self, notice: Notice) -> dict[Channel, bool]:
        """The channels in question, each with whether the user wants it."""
        wanted = self.preferences.channels_for(notice.type)
        asked = wanted if notice.channels is None else notice.channels
        return {channel: channel in wanted for channel in Channel if channel in asked}


def find_recipients(session: Session, user_ids: Iterable[int], *, now: datetime) -> dict[int, Recipient]:
    """Recipients by their ids. Raises `UserNotFound`."""
    wanted = sorted(user_ids)
    found = {
        user.id: _recipient(user, now=now)
        for user in session.scalars(select(User).where(User.id.in_(wanted)))
    }
    for user_id in wanted:
        if user_id not in found:
            raise UserNotFound(user_id=user_id)
    return found


def _recipient(user: User, *, now: datetime) -> Recipient:
    preferences = preferences_of(user)
    return Recipient(
        preferences=preferences, quiet_until=preferences.quiet_until(now, timezone=user.timezone)
    )

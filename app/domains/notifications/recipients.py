"""Who is told: by which channels, and from when on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domains.accounts.facts import Channel
from app.domains.accounts.service import people

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.domains.accounts.facts import Person
    from app.domains.notifications.facts import Notice


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """A user as far as telling goes; `quiet_until` is when the quiet hours of now end, if it is in them."""

    person: Person
    quiet_until: datetime | None

    def channels(self, notice: Notice) -> dict[Channel, bool]:
        """The channels in question, each with whether the user wants it."""
        wanted = self.person.preferences.channels_for(notice.type)
        asked = wanted if notice.channels is None else notice.channels
        return {channel: channel in wanted for channel in Channel if channel in asked}


def find_recipients(session: Session, user_ids: Iterable[int], *, now: datetime) -> dict[int, Recipient]:
    """Recipients by their ids. Raises `UserNotFound`."""
    return {
        user_id: Recipient(person=person, quiet_until=person.quiet_until(now))
        for user_id, person in people(session, user_ids).items()
    }

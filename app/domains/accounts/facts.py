"""What accounts tells other domains of its users."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from app.domains.accounts.errors import UserNotFound
from app.tokens.owners import user_at

if TYPE_CHECKING:
    from datetime import datetime

    from app.domains.accounts.preferences import Preferences


class Channel(StrEnum):
    """A way to reach a user."""

    EMAIL = "email"
    PUSH = "push"
    IN_APP = "in_app"


#: Of routes below /users/{user_id}.
OF_USER = user_at("user_id", absent=lambda user_id: UserNotFound(user_id=user_id))
#: Where a notification goes whose type the user said nothing about.
USUAL_CHANNELS = (Channel.EMAIL, Channel.IN_APP)


@dataclass(frozen=True, kw_only=True)
class Person:
    """A user, as far as others need to know one."""

    id: int
    name: str
    email: str
    #: BCP 47 tag, such as de or en-GB.
    locale: str
    #: IANA name, such as Europe/Berlin.
    timezone: str
    preferences: Preferences

    def quiet_until(self, now: datetime) -> datetime | None:
        """When the user's quiet hours end that `now` lies in, in UTC; None outside of them."""
        return self.preferences.quiet_until(now, timezone=self.timezone)

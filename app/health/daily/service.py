"""Has the mail about a day sent, once. Nothing here commits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from app.health.daily.gathering import gather
from app.outbound.mail.service import queue_mail
from app.settings.alert_kinds import words_of
from app.settings.config import settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.health.daily.gathering import Day


def tell_of_yesterday(session: Session, *, now: datetime) -> Day | None:
    """Have the addresses of the setting mailed about the day before `now`; None where there are none.

    However often and by whomever that is asked for a day, it is one mail.
    """
    to = words_of(settings().daily_mail)
    if not to:
        return None
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    found = gather(session, begin=today - timedelta(days=1))
    queue_mail(
        session,
        key=f"daily-mail:{found.day}",
        to=to,
        template="daily/daily_mail",
        context={"found": found, "release": settings().release},
    )
    return found

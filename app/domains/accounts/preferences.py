"""How a user wants to be told: by which channels, and when not."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from pydantic import Field

from app.domains.accounts.facts import USUAL_CHANNELS, Channel
from app.settings.business_clock import local_time
from app.values.strict_models import StrictModel


class QuietHours(StrictModel):
    """A part of the day, by the user's own clock, in which nothing may ring; it may span midnight."""

    start: time
    end: time

    @property
    def has_zone(self) -> bool:
        """Whether one of the times belongs to another clock than the user's."""
        return self.start.tzinfo is not None or self.end.tzinfo is not None

    @property
    def span(self) -> tuple[time, time]:
        """Start and end by the user's clock, also of stored ones that came with a zone."""
        return self.start.replace(tzinfo=None), self.end.replace(tzinfo=None)

    def covers(self, moment: time) -> bool:
        """Whether `moment` lies in them; the end does not."""
        start, end = self.span
        if start <= end:
            return start <= moment < end
        return moment >= start or moment < end


class Preferences(StrictModel):
    """What a user chose; what is not said is as usual."""

    #: By type of notification, such as bill_reminder; an empty list is none at all.
    channels: dict[str, list[Channel]] = Field(default_factory=dict, max_length=100)
    quiet_hours: QuietHours | None = None

    def channels_for(self, kind: str) -> list[Channel]:
        """Where notifications of that type go."""
        return self.channels.get(kind, list(USUAL_CHANNELS))

    def quiet_until(self, now: datetime, *, timezone: str) -> datetime | None:
        """When the quiet hours end that `now` lies in, in UTC; None outside of them."""
        here = local_time(now, timezone=timezone)
        if self.quiet_hours is None or not self.quiet_hours.covers(here.time()):
            return None
        _, end = self.quiet_hours.span
        day = here.date() if here.time() < end else here.date() + timedelta(days=1)
        return datetime.combine(day, end, tzinfo=here.tzinfo).astimezone(UTC)

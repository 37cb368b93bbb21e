"""What calendars and Slack tell, whoever the provider is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class Provider(StrEnum):
    """Who keeps what is read."""

    GOOGLE = "google"
    OUTLOOK = "outlook"
    SLACK = "slack"


class EventStatus(StrEnum):
    """Whether an event takes place."""

    CONFIRMED = "confirmed"
    TENTATIVE = "tentative"
    CANCELLED = "cancelled"


class Attendance(StrEnum):
    """What the person whose calendar it is has to do with an event."""

    ORGANIZER = "organizer"
    ACCEPTED = "accepted"
    TENTATIVE = "tentative"
    DECLINED = "declined"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarEvent:
    """An event, or one of a series. All moments are UTC."""

    id: str
    #: Another one after each change: Google's ETag, Microsoft's change key.
    version: str
    #: The event that repeats, of which this is one.
    series_id: str | None
    #: When this one of a series would have begun, had nobody moved it.
    original_start: datetime | None
    #: Of an event of whole days, midnight by the person's clock.
    starts_at: datetime
    ends_at: datetime
    all_day: bool
    title: str
    status: EventStatus
    attendance: Attendance
    updated_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Unreadable:
    """An event that cannot be used as it was told; the others of its page can."""

    id: str | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Changes:
    """A page of what changed since a token; without one before it, of all events in the window."""

    events: Sequence[CalendarEvent]
    #: Ids of events that are gone, or of series all of whose events are.
    removed: Sequence[str]
    unreadable: Sequence[Unreadable]
    #: Where to go on: at the next page now, after the last one whenever changes are asked for again.
    next_token: str
    has_more: bool


@dataclass(frozen=True, kw_only=True)
class Window:
    """The time of which events are looked at. Of series without an end there would be no last one."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, kw_only=True)
class Account:
    """Whom tokens stand for at the provider."""

    id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class SlackTeam(Account):
    """The workspace and the user that a token of Slack stands for."""

    team_id: str
    team_name: str


@dataclass(frozen=True, kw_only=True)
class SlackStatus:
    """What somebody's profile says that they are doing."""

    text: str
    emoji: str
    #: When Slack takes it back by itself.
    ends_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class SlackUser:
    """A member of a workspace."""

    id: str
    name: str
    timezone: str | None
    is_deleted: bool
    is_bot: bool


@dataclass(frozen=True, kw_only=True)
class SlackEvent:
    """What Slack tells of something that happened. `id` is the same when it is told again."""

    id: str
    type: str
    team_id: str
    #: Whom it is about, where that is one person.
    user_id: str | None
    happened_at: datetime | None
    #: How often it was sent before, and why again.
    retry: int
    retry_reason: str | None


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """Slack's question whether an endpoint is ours; the text is the answer."""

    text: str

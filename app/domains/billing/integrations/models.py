"""The tables of calendars and workspaces that people connect, and what is read there."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base, one_of
from app.db.encryption import Encrypted
from app.domains.billing.integrations.facts import Attendance, EventStatus, Provider


class Health(StrEnum):
    """How a connection is."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"  # the last checks failed, and the next may not
    BROKEN = "broken"  # nothing is read any more


class Integration(Base):
    """A person's access to one account at a provider."""

    __tablename__ = "integration"
    __table_args__ = (
        one_of(Provider, column="provider"),
        one_of(Health, column="health"),
        UniqueConstraint("user_id", "provider", "account_id"),
        # Whom an event of Slack is about.
        Index("ix_integration_team", "provider", "team_id"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("account_user.id"))
    provider: Mapped[str] = mapped_column(Text)
    #: The provider's id and name for the account.
    account_id: Mapped[str] = mapped_column(Text)
    account_name: Mapped[str] = mapped_column(Text)
    #: Slack's id of the workspace.
    team_id: Mapped[str | None] = mapped_column(Text)
    access_token: Mapped[str] = mapped_column(Encrypted("integration access tokens"))
    #: None where the access token has no end.
    refresh_token: Mapped[str | None] = mapped_column(Encrypted("integration refresh tokens"))
    expires_at: Mapped[datetime | None]
    #: Grows with each grant that takes the place of the last.
    generation: Mapped[int]
    #: Until then, no other job refreshes the tokens.
    refreshing_until: Mapped[datetime | None]
    #: Nothing is asked while it is not set: the permission is gone, or the person paused it.
    is_enabled: Mapped[bool]
    health: Mapped[str] = mapped_column(Text)
    #: Checks that failed one after the other.
    failures: Mapped[int]
    #: Grows when the health changes: each change is told of once.
    changes: Mapped[int]
    error: Mapped[str | None] = mapped_column(Text)
    checked_at: Mapped[datetime | None]
    #: Where reading goes on (`app.domains.billing.integrations.cursors`).
    sync_token: Mapped[str | None] = mapped_column(Text)
    #: How often all was read anew: an event that the last time did not name is gone.
    readings: Mapped[int]
    synced_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class SyncedEvent(Base):
    """An event of a calendar as it was last told; one that is gone stays, and says so."""

    __tablename__ = "synced_event"
    __table_args__ = (
        one_of(EventStatus, column="status"),
        one_of(Attendance, column="attendance"),
        UniqueConstraint("integration_id", "event_id"),
        Index(
            "ix_synced_event_uncaptured",
            "integration_id",
            "id",
            postgresql_where=text("NOT is_captured"),
            sqlite_where=text("NOT is_captured"),
        ),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    integration_id: Mapped[int] = mapped_column(ForeignKey("integration.id", ondelete="CASCADE"))
    #: The provider's.
    event_id: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(Text)
    series_id: Mapped[str | None] = mapped_column(Text)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    all_day: Mapped[bool]
    title: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    attendance: Mapped[str] = mapped_column(Text)
    is_deleted: Mapped[bool]
    #: Whether time capture has seen it as it is now.
    is_captured: Mapped[bool]
    #: The last reading that it was in.
    reading: Mapped[int]
    changed_at: Mapped[datetime]


class OAuthState(Base):
    """A person on the way to a provider and back; the row is gone when they are back."""

    __tablename__ = "oauth_state"
    __table_args__ = (one_of(Provider, column="provider"),)

    #: SHA-256 of the state, in hex: who reads the table cannot come back in another's place.
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("account_user.id"), index=True)
    provider: Mapped[str] = mapped_column(Text)
    verifier: Mapped[str] = mapped_column(Encrypted("PKCE verifiers"))
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SlackBinding(Base):
    """Which member of a workspace a user is, and what they said last that they are doing."""

    __tablename__ = "slack_binding"
    __table_args__ = (UniqueConstraint("integration_id", "slack_user_id"),)

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    integration_id: Mapped[int] = mapped_column(ForeignKey("integration.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("account_user.id"), index=True)
    slack_user_id: Mapped[str] = mapped_column(Text)
    status_text: Mapped[str | None] = mapped_column(Text)
    status_emoji: Mapped[str | None] = mapped_column(Text)
    status_ends_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]


class SlackStatusChange(Base):
    """Somebody said that they are doing something else."""

    __tablename__ = "slack_status_change"
    __table_args__ = (Index("ix_slack_status_change_seen", "binding_id", "seen_at"),)

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    binding_id: Mapped[int] = mapped_column(ForeignKey("slack_binding.id", ondelete="CASCADE"))
    status_text: Mapped[str] = mapped_column(Text)
    status_emoji: Mapped[str] = mapped_column(Text)
    status_ends_at: Mapped[datetime | None]
    seen_at: Mapped[datetime]

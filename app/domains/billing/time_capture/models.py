"""The tables of time that was worked."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base, one_of


class Source(StrEnum):
    """Where an entry came from."""

    MANUAL = "manual"
    IMPORTED = "imported"  # from a file
    CALENDAR = "calendar"


class EntryState(StrEnum):
    """What was decided about an entry."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    BILLED = "billed"


class IssueKind(StrEnum):
    """What can be wrong with an entry."""

    OVERLAP = "overlap"
    TOO_LONG = "too_long"
    GAP = "gap"
    NO_DESCRIPTION = "no_description"
    CHANGED_AT_SOURCE = "changed_at_source"  # after it was approved
    BILLED_PERIOD = "billed_period"  # approved when its month's invoice was out already


class TimeEntry(Base):
    """What somebody worked on a project from one moment to another."""

    __tablename__ = "time_entry"
    __table_args__ = (
        one_of(Source, column="source"),
        one_of(EntryState, column="state"),
        CheckConstraint("ended_at >= started_at", name="ended_at"),
        UniqueConstraint("project_id", "external_key"),
        Index("ix_time_entry_worked", "user_id", "started_at"),
        Index("ix_time_entry_project", "project_id", "started_at"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("account_user.id"))
    source: Mapped[str] = mapped_column(Text)
    #: Its name where it came from: importing it again changes it, and makes no second one.
    external_key: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    #: IANA name of the worker's clock when it was made: it says on which days it was worked.
    timezone: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("account_user.id"))
    decided_at: Mapped[datetime | None]
    #: Why it was rejected.
    reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class EntryIssue(Base):
    """Something wrong with an entry: a row while it lasts, closed when it is mended."""

    __tablename__ = "entry_issue"
    __table_args__ = (
        one_of(IssueKind, column="kind"),
        Index(
            "uq_entry_issue_open",
            "entry_id",
            "kind",
            "key",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
            sqlite_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("time_entry.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(Text)
    #: Tells two of a kind apart: the other entry of an overlap or a gap; empty otherwise.
    key: Mapped[str] = mapped_column(Text)
    sentence: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class DailySummary(Base):
    """What a user worked for a tenant on a day of their own clock."""

    __tablename__ = "daily_summary"

    user_id: Mapped[int] = mapped_column(ForeignKey("account_user.id"), primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    entries: Mapped[int]
    seconds: Mapped[int]
    billable_seconds: Mapped[int]
    #: Time between the first and the last moment of the day that no entry covers.
    gap_seconds: Mapped[int]
    made_at: Mapped[datetime]


class CaptureRule(Base):
    """Which project an event of a user's calendars is time for: the first rule that fits its title counts."""

    __tablename__ = "capture_rule"

    user_id: Mapped[int] = mapped_column(ForeignKey("account_user.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id"))
    #: What a title holds, whatever the case; nothing fits all.
    words: Mapped[str] = mapped_column(Text)


class CapturedEvent(Base):
    """The event of a calendar that an entry was made of, as it was when the entry last followed it."""

    __tablename__ = "captured_event"
    __table_args__ = (UniqueConstraint("user_id", "calendar", "event_id"),)

    entry_id: Mapped[int] = mapped_column(
        ForeignKey("time_entry.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("account_user.id"))
    #: The provider and its id for the account: a calendar that is connected anew is the same one.
    calendar: Mapped[str] = mapped_column(Text)
    event_id: Mapped[str] = mapped_column(Text)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    title: Mapped[str] = mapped_column(Text)

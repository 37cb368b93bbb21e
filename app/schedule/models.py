"""The tables of schedules: when tasks run by themselves, what came of it, and which beat leads."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base, one_of
from app.schedule.plan import Period
from app.schedule.policies import Misfire, Overlap, Policies
from app.schedule.spec import Cron, Every, Once, Schedule

#: One of the three says when.
_ONE_RULE = " + ".join(
    f"(CASE WHEN {column} IS NULL THEN 0 ELSE 1 END)" for column in ("cron", "interval_seconds", "once_at")
)


class ScheduleEntry(Base):
    """One schedule: a task's default, perhaps edited, or one that somebody made."""

    __tablename__ = "schedule"
    __table_args__ = (
        one_of(Overlap, column="overlap"),
        one_of(Misfire, column="misfire"),
        CheckConstraint(f"{_ONE_RULE} = 1", name="one_rule"),
        Index("ix_schedule_next_at", "next_at"),
    )

    #: That of the task, for a default.
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    task: Mapped[str] = mapped_column(Text)
    #: By name, as the task's model writes them.
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON)
    cron: Mapped[str | None] = mapped_column(Text)
    interval_seconds: Mapped[int | None] = mapped_column(BigInteger)
    once_at: Mapped[datetime | None]
    #: IANA name; a cron expression goes by its clock.
    timezone: Mapped[str] = mapped_column(Text)
    #: Null: those of the task.
    queue: Mapped[str | None] = mapped_column(Text)
    priority: Mapped[int | None]
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    #: Disabled after its first moment.
    one_off: Mapped[bool]
    enabled: Mapped[bool]
    overlap: Mapped[str] = mapped_column(Text)
    misfire: Mapped[str] = mapped_column(Text)
    grace_seconds: Mapped[int | None] = mapped_column(BigInteger)
    jitter_seconds: Mapped[int] = mapped_column(BigInteger)
    success_within_seconds: Mapped[int | None] = mapped_column(BigInteger)
    #: What the task declares, as this row's columns; null for a schedule that somebody made.
    default: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    #: Whether an edit stands above the default.
    edited: Mapped[bool]
    #: Since when no task of the running release declares this default.
    gone_at: Mapped[datetime | None]
    #: Grows with each edit, so that what was planned before one is not done after it.
    version: Mapped[int]
    #: Moments up to this one are dealt with.
    seen_until: Mapped[datetime]
    #: When beat looks at it next; null while it cannot fire.
    next_at: Mapped[datetime | None]
    last_fire_at: Mapped[datetime | None]
    last_success_at: Mapped[datetime | None]
    #: Why the last moment could not be fired; beat tries again.
    problem: Mapped[str | None] = mapped_column(Text)
    #: Since when it has not succeeded within `success_within_seconds`.
    overdue_since: Mapped[datetime | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    @property
    def rule(self) -> Schedule:
        """When it fires."""
        if self.cron is not None:
            return Cron(self.cron, self.timezone, self.policies)
        if self.once_at is not None:
            return Once(self.once_at, self.policies)
        return Every(timedelta(seconds=self.interval_seconds or 0), self.policies)

    @property
    def policies(self) -> Policies:
        """How it behaves."""
        return Policies(
            overlap=Overlap(self.overlap),
            misfire=Misfire(self.misfire),
            grace=_span(self.grace_seconds),
            jitter=timedelta(seconds=self.jitter_seconds),
            success_within=_span(self.success_within_seconds),
        )

    @property
    def period(self) -> Period:
        """In which part of time it fires."""
        return Period(starts_at=self.starts_at, ends_at=self.ends_at)

    @property
    def success_due_at(self) -> datetime | None:
        """Until when it is to succeed before it is reported; None while nobody watches it.

        An edit begins the time anew: what was enabled just now had no chance yet.
        """
        if self.success_within_seconds is None or not self.enabled or self.gone_at is not None:
            return None
        since = max(self.last_success_at or self.changed_at, self.changed_at)
        return since + timedelta(seconds=self.success_within_seconds)

    def next_after(self, moment: datetime) -> datetime | None:
        """The first moment of firing after `moment`; None when it does not fire any more as it is."""
        if not self.enabled or self.gone_at is not None:
            return None
        return self.period.next(self.rule, after=moment)


def _span(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


class RunOutcome(StrEnum):
    """What came of one moment of a schedule; the first three are those of its job."""

    DONE = "done"
    DEAD = "dead"
    CANCELLED = "cancelled"
    MISSED = "missed"  # too late to be fired
    SKIPPED = "skipped"  # an earlier job was not finished
    FORGOTTEN = "forgotten"  # its job is not in the ledger any more


class ScheduleRun(Base):
    """One moment of a schedule, and what came of it."""

    __tablename__ = "schedule_run"
    __table_args__ = (
        one_of(RunOutcome, column="outcome"),
        UniqueConstraint("schedule", "moment"),
        Index(
            "ix_schedule_run_unfinished",
            "job_id",
            postgresql_where=text("outcome IS NULL"),
            sqlite_where=text("outcome IS NULL"),
        ),
        Index("ix_schedule_run_fired_at", "fired_at"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    #: No foreign key: the history of a schedule that was deleted can be read while it is kept.
    schedule: Mapped[str] = mapped_column(Text)
    moment: Mapped[datetime]
    fired_at: Mapped[datetime]
    job_id: Mapped[str | None] = mapped_column(Text)
    #: Null while the job is not finished.
    outcome: Mapped[str | None] = mapped_column(Text)
    #: Of the attempt that ended the job.
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)


class ScheduleState(Base):
    """What releases before this table's successor remembered; they still do while one of them runs."""

    __tablename__ = "schedule_state"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    seen_until: Mapped[datetime]
    last_fire_at: Mapped[datetime | None]


class Leader(Base):
    """Who does a piece of work that only one process may do, and until when."""

    __tablename__ = "leader"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    holder: Mapped[str] = mapped_column(Text)
    until: Mapped[datetime]

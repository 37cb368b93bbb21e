"""The tables of what has ended by time, and of what was there from time to time; filled by beat."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Float, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import Base


class _Stat(Base):
    """What ended within a span of time; the task, or both, are empty where all are counted together."""

    __abstract__ = True

    task: Mapped[str] = mapped_column(Text, primary_key=True)
    queue: Mapped[str] = mapped_column(Text, primary_key=True)
    begins_at: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    #: Jobs by their last state, and attempts by their outcome.
    jobs: Mapped[dict[str, Any]] = mapped_column(JSON)
    attempts: Mapped[dict[str, Any]] = mapped_column(JSON)
    #: How many attempts ran so long, and jobs waited, by the buckets of `app.jobs.statistics.buckets`.
    run: Mapped[list[Any]] = mapped_column(JSON)
    wait: Mapped[list[Any]] = mapped_column(JSON)
    run_seconds: Mapped[float] = mapped_column(Float)
    wait_seconds: Mapped[float] = mapped_column(Float)


class StatMinute(_Stat):
    """A minute."""

    __tablename__ = "stat_minute"


class StatHour(_Stat):
    """An hour: the sum of its minutes, and of those that were added to it late."""

    __tablename__ = "stat_hour"


class Sample(Base):
    """What the ledger held at a moment."""

    __tablename__ = "sample"

    taken_at: Mapped[datetime] = mapped_column(primary_key=True)
    #: Jobs by state: of those that are finished, all that ever were.
    states: Mapped[dict[str, Any]] = mapped_column(JSON)
    #: Jobs that wait in each queue, and for how many seconds the oldest has, as far as that was looked at.
    queues: Mapped[dict[str, Any]] = mapped_column(JSON)
    ages: Mapped[dict[str, Any]] = mapped_column(JSON)
    #: Overdue jobs by reason.
    overdue: Mapped[dict[str, Any]] = mapped_column(JSON)

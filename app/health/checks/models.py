"""The table of health checks."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Float, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base, one_of


class CheckState(StrEnum):
    """What a check found."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    UNKNOWN = "unknown"  # it came to no end in its time


class HealthCheck(Base):
    """What one check found in one window of time."""

    __tablename__ = "health_check"
    __table_args__ = (
        one_of(CheckState, column="state"),
        UniqueConstraint("window_at", "kind"),
        Index("ix_health_check_kind", "kind", "id"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    #: When the window began; a check that runs twice in it is one row.
    window_at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    sentence: Mapped[str] = mapped_column(Text)
    #: What was measured, in the unit of the kind.
    value: Mapped[float | None] = mapped_column(Float)
    #: How long it took.
    milliseconds: Mapped[int]
    #: Where it ran; a disk is that of this host.
    host: Mapped[str] = mapped_column(Text)
    checked_at: Mapped[datetime]

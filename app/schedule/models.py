"""What beat remembers: when each schedule fired last, and which beat leads."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import Base


class ScheduleState(Base):
    """The memory of one schedule; it begins when beat first sees it, so that the past is not fired."""

    __tablename__ = "schedule_state"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    #: Moments up to this one are dealt with: fired, or too old to be.
    seen_until: Mapped[datetime]
    last_fire_at: Mapped[datetime | None]


class Leader(Base):
    """Who does a piece of work that only one process may do, and until when."""

    __tablename__ = "leader"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    holder: Mapped[str] = mapped_column(Text)
    until: Mapped[datetime]

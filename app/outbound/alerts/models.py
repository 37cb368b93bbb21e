"""The tables of alerts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base

#: Of one kind and subject, one alert is open at a time.
OPEN = text("closed_at IS NULL")
#: In place of a subject. No look has one of this name.
ALL_SUBJECTS = "*"


class Alert(Base):
    """Something that is or was wrong: opened once, however many look at it, and closed once."""

    __tablename__ = "alert"
    __table_args__ = (
        Index("uq_alert_open", "kind", "subject", unique=True, postgresql_where=OPEN, sqlite_where=OPEN),
        Index("ix_alert_closed_at", "closed_at"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    #: What it is about, such as `disk`, and which of them: a host.
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    sentence: Mapped[str] = mapped_column(Text)
    fix: Mapped[str | None] = mapped_column(Text)
    opened_at: Mapped[datetime]
    #: Since when all is well, while it is not yet certain to stay so.
    well_since: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    #: Whether nobody was told that it began, because it was muted.
    untold: Mapped[bool] = mapped_column(default=False, server_default=false())


class AlertMute(Base):
    """What is not told until then: alerts of a kind, of one subject or of all."""

    __tablename__ = "alert_mute"

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    #: `ALL_SUBJECTS` for all of them.
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    until: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
    muted_by: Mapped[str] = mapped_column(Text)
    muted_at: Mapped[datetime]

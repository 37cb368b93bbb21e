"""The tables of usage."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import Base, one_of


class UsageKind(StrEnum):
    """What is counted."""

    VIEW = "view"
    DOWNLOAD = "download"
    PURCHASE = "purchase"


class Span(StrEnum):
    """Over which time counts are kept."""

    HOUR = "hour"
    DAY = "day"


class UsageEvent(Base):
    """Something that happened to a model, until it is forgotten: its id makes it count once."""

    __tablename__ = "usage_event"
    __table_args__ = (one_of(UsageKind, column="kind"),)

    #: Of whoever tells it.
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("software_model.id"))
    kind: Mapped[str] = mapped_column(Text)
    happened_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(index=True)


class UsageCount(Base):
    """How often something happened to a model in an hour or a day (UTC)."""

    __tablename__ = "usage_count"
    __table_args__ = (
        one_of(UsageKind, column="kind"),
        one_of(Span, column="span"),
        Index("ix_usage_count_begins_at", "span", "begins_at"),
    )

    model_id: Mapped[int] = mapped_column(ForeignKey("software_model.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    span: Mapped[str] = mapped_column(Text, primary_key=True)
    begins_at: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)

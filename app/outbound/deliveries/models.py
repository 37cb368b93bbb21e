"""The table of deliveries."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base, one_of


class DeliveryState(StrEnum):
    """What became of a delivery so far."""

    WAITING = "waiting"  # not sent, as far as is known for certain
    SENDING = "sending"  # the provider is being called
    SENT = "sent"
    FAILED = "failed"  # refused for good
    SUPPRESSED = "suppressed"  # nobody is to get it: none is left, or a person gave it up
    UNCERTAIN = "uncertain"  # the provider was called, and what it did is not known


class Delivery(Base):
    """One effect outside the database. `key` is the business's own name for it: one key, one effect."""

    __tablename__ = "delivery"
    __table_args__ = (
        one_of(DeliveryState, column="state"),
        Index("ix_delivery_state", "state", "changed_at"),
        Index("ix_delivery_job_id", "job_id"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    key: Mapped[str] = mapped_column(Text, unique=True)
    #: What carries it: email, push ...
    channel: Mapped[str] = mapped_column(Text)
    #: For a person who looks: whom it goes to, and what about.
    recipient: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    #: What is sent, as the channel needs it.
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(Text)
    #: Which of the channel's providers took it, and the provider's id for it.
    provider: Mapped[str | None] = mapped_column(Text)
    provider_id: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)
    #: The job that called a provider last.
    job_id: Mapped[str | None] = mapped_column(Text)
    #: How often one was called.
    calls: Mapped[int]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]

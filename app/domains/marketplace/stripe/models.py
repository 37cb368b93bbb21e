"""The table of Stripe's events."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import Base


class StripeEvent(Base):
    """An event that was taken; Stripe sends each until it is, and now and then once more."""

    __tablename__ = "stripe_event"

    #: Stripe's.
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    type: Mapped[str] = mapped_column(Text)
    #: What was done about it.
    outcome: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(index=True)

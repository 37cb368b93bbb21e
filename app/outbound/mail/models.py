"""The tables of mail."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import Base


class Suppression(Base):
    """An address that gets no mail any more: it does not exist, or its owner does not want any."""

    __tablename__ = "mail_suppression"

    #: As `app.outbound.mail.addresses.key_of` makes it.
    address: Mapped[str] = mapped_column(Text, primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]

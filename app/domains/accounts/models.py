"""The tables of accounts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base


class User(Base):
    """Somebody the service knows."""

    # "user" is a word of SQL.
    __tablename__ = "account_user"

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    #: As it was given; `email_key` tells users apart whatever the case.
    email: Mapped[str] = mapped_column(Text)
    email_key: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    #: IANA name, such as Europe/Berlin.
    timezone: Mapped[str] = mapped_column(Text)
    #: BCP 47 tag, such as de or en-GB.
    locale: Mapped[str] = mapped_column(Text)
    #: As `app.domains.accounts.preferences.Preferences` writes them.
    preferences: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]

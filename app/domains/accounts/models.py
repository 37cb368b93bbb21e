"""The tables of accounts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base, one_of
from app.domains.accounts.roles import Role


class User(Base):
    """Somebody the service knows."""

    # "user" is a word of SQL.
    __tablename__ = "account_user"
    __table_args__ = (one_of(Role, column="role"),)

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
    #: One of `app.domains.accounts.roles.Role`; without one, nobody signs in.
    role: Mapped[str | None] = mapped_column(Text)
    #: Set while the user may not sign in.
    disabled_at: Mapped[datetime | None]


class Password(Base):
    """What a user signs in with; apart from the user, so that nothing loads it by the way."""

    __tablename__ = "account_password"

    user_id: Mapped[int] = mapped_column(
        BIG_ID, ForeignKey("account_user.id"), primary_key=True, autoincrement=False
    )
    #: Argon2id, with its salt and its parameters.
    password_hash: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime]

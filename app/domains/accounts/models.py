"""The tables of accounts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Integer, Text
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
    created_at: Mapped[datetime] = mapped_column(index=True)
    #: One of `app.domains.accounts.roles.Role`; without one, nobody signs in.
    role: Mapped[str | None] = mapped_column(Text)
    #: Set while the user may not sign in.
    disabled_at: Mapped[datetime | None]

    @property
    def may_sign_in(self) -> bool:
        """Whether a password or a link lets the user in."""
        return self.role is not None and self.disabled_at is None


class SignInSession(Base):
    """A user who signed in, until they sign out: a browser with a cookie, or a client with tokens."""

    __tablename__ = "sign_in_session"

    #: 128 random bits; access tokens hold it, and it is no secret.
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    user_id: Mapped[int] = mapped_column(BIG_ID, ForeignKey("account_user.id"), index=True)
    #: SHA-256 of the secret in the cookie, in hex; none for a client.
    digest: Mapped[str | None] = mapped_column(Text, unique=True)
    #: Where it began, as `app.http.client_addresses.network_of` says it.
    address: Mapped[str] = mapped_column(Text)
    started_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None] = mapped_column(index=True)


class RefreshToken(Base):
    """A refresh token of a session. Used ones stay as long as it: a second use is told from a guess."""

    __tablename__ = "refresh_token"

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    session_id: Mapped[str] = mapped_column(Text, ForeignKey("sign_in_session.id"), index=True)
    #: SHA-256 of the whole token, in hex.
    digest: Mapped[str] = mapped_column(Text, unique=True)
    used_at: Mapped[datetime | None]


class SignInAttempts(Base):
    """How often signing in failed of late, or mail was asked for, for an account or for an address."""

    __tablename__ = "sign_in_attempts"

    #: As `app.domains.accounts.sessions.lockout.counted` names them.
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    failures: Mapped[int] = mapped_column(Integer)
    paused_until: Mapped[datetime]
    last_at: Mapped[datetime] = mapped_column(index=True)


class Purpose(StrEnum):
    """What a link is for."""

    PASSWORD_RESET = "password_reset"  # noqa: S105 (it is a name)
    REGISTRATION = "registration"
    EMAIL_CHANGE = "email_change"
    #: Not mailed: whoever runs the host hands it over.
    SIGN_IN = "sign_in"


class MailedLink(Base):
    """A link that was handed out and that nobody has used; a newer one for the same purpose replaces it."""

    __tablename__ = "mailed_link"
    __table_args__ = (one_of(Purpose, column="purpose"),)

    #: The purpose, and whom it is for.
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    purpose: Mapped[str] = mapped_column(Text)
    #: SHA-256 of the token, in hex.
    digest: Mapped[str] = mapped_column(Text, unique=True)
    user_id: Mapped[int | None] = mapped_column(BIG_ID, ForeignKey("account_user.id"), index=True)
    #: Where it was mailed to, or of whom it is.
    email: Mapped[str] = mapped_column(Text)
    #: Of somebody who registers, as `app.domains.accounts.service.NewUser` has it.
    details: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Password(Base):
    """What a user signs in with; apart from the user, so that nothing loads it by the way."""

    __tablename__ = "account_password"

    user_id: Mapped[int] = mapped_column(
        BIG_ID, ForeignKey("account_user.id"), primary_key=True, autoincrement=False
    )
    #: Argon2id, with its salt and its parameters.
    password_hash: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime]

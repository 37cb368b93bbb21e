"""API tokens: what they may do, how they are made, listed, revoked and checked.

A token reads `gw_<id>_<secret>`. Only its SHA-256 is stored: 256 random bits need no slow hash.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import or_, select, update

from app.errors import Conflict, InvalidInput, NotFound
from app.tokens.callers import Caller, InvalidToken
from app.tokens.models import Token
from app.tokens.scope import UnknownScope, known_scopes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

#: The time of last use is written no more often than this.
LAST_USED_PRECISION = timedelta(minutes=1)
MAX_LIFETIME = timedelta(days=3660)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_FORM = re.compile(r"gw_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")


class InvalidTokenRequest(InvalidInput):
    """Raised when a token cannot be made as asked."""

    code = "invalid_token_request"


class TokenNameTaken(Conflict):
    """Raised when a live token already has the name."""

    code = "token_name_taken"

    def __init__(self, *, name: str) -> None:
        super().__init__(f'A token called "{name}" exists. Revoke it first or choose another name.')


class TokenNotFound(NotFound):
    """Raised when there is no live token with the name or id."""

    code = "token_not_found"

    def __init__(self, *, name_or_id: str) -> None:
        super().__init__(f'There is no live token with the name or id "{name_or_id}".')


@dataclass(frozen=True, kw_only=True)
class NewToken:
    """A token just made; the only time its secret is seen."""

    id: str
    name: str
    scopes: tuple[str, ...]
    expires_at: datetime | None
    secret: str = field(repr=False)


def create_token(
    session: Session, *, name: str, scopes: Sequence[str], expires_in: timedelta | None = None
) -> NewToken:
    """Make a token. Its secret is in the answer and nowhere else."""
    _check(name=name, scopes=scopes, expires_in=expires_in)
    if session.scalar(select(Token.id).where(Token.name == name, Token.revoked_at.is_(None))):
        raise TokenNameTaken(name=name)
    now = datetime.now(UTC)
    token_id = secrets.token_hex(6)
    secret = f"gw_{token_id}_{secrets.token_urlsafe(32)}"
    row = Token(
        id=token_id,
        name=name,
        digest=_digest(secret),
        scopes=sorted(set(scopes)),
        created_at=now,
        expires_at=now + expires_in if expires_in else None,
    )
    session.add(row)
    session.flush()
    return NewToken(
        id=token_id, name=name, scopes=tuple(row.scopes), expires_at=row.expires_at, secret=secret
    )


def _check(*, name: str, scopes: Sequence[str], expires_in: timedelta | None) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidTokenRequest(
            f"The token name {name!r} is not usable: give 1 to 64 letters, digits, dots, dashes, underscores "
            "or @, the first a letter or digit."
        )
    if not scopes:
        raise InvalidTokenRequest(f'The token "{name}" has no scope. Name at least one, or * for all.')
    for scope in scopes:
        if scope not in known_scopes():
            raise UnknownScope(scope=scope)
    if expires_in is not None and not timedelta(0) < expires_in <= MAX_LIFETIME:
        raise InvalidTokenRequest(
            f"A token cannot expire in {expires_in}: give a time above 0 and within {MAX_LIFETIME.days} days."
        )


def list_tokens(session: Session) -> list[Token]:
    """All tokens, the newest first."""
    return list(session.scalars(select(Token).order_by(Token.created_at.desc(), Token.id)))


def revoke_token(session: Session, *, name_or_id: str) -> Token:
    """End a token for good; the API refuses it within a second."""
    wanted = select(Token).where(
        or_(Token.name == name_or_id, Token.id == name_or_id), Token.revoked_at.is_(None)
    )
    # An id is looked at before a name, in case somebody named a token like another's id.
    token = session.scalars(wanted.order_by((Token.id == name_or_id).desc())).first()
    if token is None:
        raise TokenNotFound(name_or_id=name_or_id)
    token.revoked_at = datetime.now(UTC)
    session.flush()
    return token


def is_well_formed(secret: str) -> bool:
    """Whether `secret` could be a token at all."""
    return _FORM.fullmatch(secret) is not None


def authenticate(session: Session, *, secret: str) -> Caller:
    """Who `secret` belongs to. Raises `InvalidToken` or `ExpiredToken`."""
    form = _FORM.fullmatch(secret)
    if form is None:
        raise InvalidToken
    token = session.get(Token, form[1])
    # Compared also when there is nothing to compare with, so that the time taken tells nothing.
    matches = hmac.compare_digest(token.digest if token else _digest(""), _digest(secret))
    if token is None or not matches or token.revoked_at is not None:
        raise InvalidToken
    caller = Caller(
        token_id=token.id,
        name=token.name,
        scopes=frozenset(token.scopes),
        expires_at=token.expires_at,
    )
    caller.refuse_expired()
    return caller


def touch(session: Session, *, token_id: str) -> None:
    """Write down that a token was used just now, unless that was done within the last minute."""
    now = datetime.now(UTC)
    stale = or_(Token.last_used_at.is_(None), Token.last_used_at < now - LAST_USED_PRECISION)
    session.execute(update(Token).where(Token.id == token_id, stale).values(last_used_at=now))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()

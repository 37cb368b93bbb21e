"""Sessions: how they begin, go on and end. Nothing here commits: the caller's transaction decides.

Their secrets are 256 random bits, of which the SHA-256 is stored: they need no slow hash.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from app.db.clock import clock, now
from app.domains.accounts.models import RefreshToken, SignInSession, User
from app.domains.accounts.sessions import access_tokens
from app.domains.accounts.sessions.errors import InvalidRefreshToken
from app.settings.config import settings

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

_REFRESH_FORM = re.compile(r"gwr_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """What a client gets: the one for minutes, and the one that gets the next pair, once."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


def start_for_browser(session: Session, *, user_id: int, address: str) -> str:
    """Begin a session; the secret for the cookie."""
    secret = f"gws_{secrets.token_urlsafe(32)}"
    _start(session, user_id=user_id, address=address, digest=digest_of(secret))
    return secret


def start_for_client(session: Session, *, user_id: int, address: str) -> Pair:
    """Begin a session; its first tokens."""
    session_id = _start(session, user_id=user_id, address=address, digest=None)
    return _next_pair(session, user_id=user_id, session_id=session_id)


def renew(session: Session, *, refresh_token: str) -> Pair | None:
    """The next tokens of a session; None for a used token, whose session has then ended.

    None is to be committed before it is an error. Raises `InvalidRefreshToken`.
    """
    if not _REFRESH_FORM.fullmatch(refresh_token):
        raise InvalidRefreshToken
    this = RefreshToken.digest == digest_of(refresh_token)
    # Of two at once, one waits here for the other, and then finds the token used.
    use = update(RefreshToken).where(this, RefreshToken.used_at.is_(None)).values(used_at=clock())
    session_id = session.scalar(use.returning(RefreshToken.session_id))
    if session_id is None:
        used = session.scalar(select(RefreshToken.session_id).where(this))
        if used is None:
            raise InvalidRefreshToken
        end(session, session_id=used)
        return None
    user_id = session.scalar(live_sessions(SignInSession.user_id).where(SignInSession.id == session_id))
    if user_id is None:
        raise InvalidRefreshToken
    return _next_pair(session, user_id=user_id, session_id=session_id)


def end(session: Session, *, session_id: str) -> None:
    """End one session: neither its cookie nor any of its tokens is good any more."""
    _end(session, SignInSession.id == session_id)


def end_all(session: Session, *, user_id: int, but: str | None = None) -> int:
    """End all sessions of a user, `but` one perhaps; how many there were."""
    others = () if but is None else (SignInSession.id != but,)
    return _end(session, SignInSession.user_id == user_id, *others)


def live_sessions(*columns: Any) -> Select[Any]:
    """`columns` of the sessions that are good now, joined to their users, who may still sign in."""
    return (
        select(*columns)
        .select_from(SignInSession)
        .join(User, User.id == SignInSession.user_id)
        .where(
            SignInSession.ended_at.is_(None),
            SignInSession.expires_at > clock(),
            User.disabled_at.is_(None),
            User.role.is_not(None),
        )
    )


def digest_of(secret: str) -> str:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _start(session: Session, *, user_id: int, address: str, digest: str | None) -> str:
    started, session_id = now(session), secrets.token_hex(16)
    session.add(
        SignInSession(
            id=session_id,
            user_id=user_id,
            digest=digest,
            address=address,
            started_at=started,
            expires_at=started + timedelta(days=settings().sign_in_days),
        )
    )
    session.flush()
    return session_id


def _next_pair(session: Session, *, user_id: int, session_id: str) -> Pair:
    refresh_token = f"gwr_{secrets.token_urlsafe(32)}"
    session.add(RefreshToken(session_id=session_id, digest=digest_of(refresh_token)))
    session.flush()
    return Pair(
        access_token=access_tokens.issue(user_id=user_id, session_id=session_id), refresh_token=refresh_token
    )


def _end(session: Session, *which: ColumnElement[bool]) -> int:
    ended = update(SignInSession).where(SignInSession.ended_at.is_(None), *which).values(ended_at=clock())
    return len(session.scalars(ended.returning(SignInSession.id)).all())

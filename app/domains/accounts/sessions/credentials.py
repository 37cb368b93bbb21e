"""Who a request is from that shows an access token or a session cookie."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from app.domains.accounts.models import SignInSession, User
from app.domains.accounts.roles import Role, scopes_of
from app.domains.accounts.sessions import access_tokens, cookies
from app.domains.accounts.sessions.errors import NotSignedIn
from app.domains.accounts.sessions.service import digest_of, live_sessions
from app.http.credentials import Credential
from app.tokens.callers import Caller, InvalidToken

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session
    from starlette.types import Scope


def find(scope: Scope) -> Credential | None:
    """What of a request is one of ours. Raises what is wrong with it, as far as that needs no database."""
    authorization = Headers(scope=scope).get("authorization")
    if authorization is None:
        return _of_cookie(scope)
    kind, _, token = authorization.partition(" ")
    if kind.lower() != "bearer" or not access_tokens.is_access_token(token.strip()):
        return None
    claims = access_tokens.read(token.strip())
    this = SignInSession.id == claims.session_id
    return Credential(secret=token.strip(), look_up=partial(_caller, this=this, expires_at=claims.expires_at))


def signed_in(caller: Caller) -> tuple[int, str]:
    """The user who asks, and their session. Raises `NotSignedIn` for an API token."""
    if caller.user_id is None or caller.session_id is None:
        raise NotSignedIn
    return caller.user_id, caller.session_id


def _of_cookie(scope: Scope) -> Credential | None:
    secret = cookies.secret_in(scope)
    if secret is None:
        return None
    cookies.refuse_forged(scope, secret=secret)
    return of_browser(secret)


def of_browser(secret: str) -> Credential:
    """What the secret of a session cookie shows, for whoever has made sure that a page of ours sent it."""
    this = SignInSession.digest == digest_of(secret)
    return Credential(secret=secret, look_up=partial(_caller, this=this, expires_at=None))


def _caller(session: Session, *, this: ColumnElement[bool], expires_at: datetime | None) -> Caller:
    rows = live_sessions(SignInSession.id, SignInSession.expires_at, User.id, User.role).where(this)
    row = session.execute(rows).one_or_none()
    if row is None:
        raise InvalidToken
    session_id, session_ends, user_id, role = row
    return Caller(
        token_id=f"user:{user_id}",
        name=f"user:{user_id}",
        scopes=scopes_of(Role(role)),
        expires_at=expires_at or session_ends,
        user_id=user_id,
        session_id=session_id,
    )

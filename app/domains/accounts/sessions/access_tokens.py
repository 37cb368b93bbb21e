"""Access tokens of clients: JWTs that end after minutes, and name a session that can end sooner.

Source: RFC 8725. There is one algorithm, one issuer and one audience, and the key is for nothing else.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt

from app.db.encryption import signing_keys
from app.settings.config import settings
from app.tokens.callers import ExpiredToken, InvalidToken

PURPOSE = "access tokens"
ALGORITHM = "HS256"
ISSUER = "groundwork"
AUDIENCE = "groundwork-api"
CLAIMS = ["iss", "aud", "sub", "sid", "iat", "exp", "jti"]
#: How far the clocks of two hosts may be apart.
LEEWAY = timedelta(seconds=10)
MAX_LENGTH = 1_024
_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What a good access token says."""

    session_id: str
    expires_at: datetime


def lifetime() -> timedelta:
    """How long an access token is good."""
    return timedelta(minutes=settings().access_token_minutes)


def issue(*, user_id: int, session_id: str) -> str:
    """An access token for a session that has just been looked at."""
    issued = datetime.now(UTC)
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(user_id),
        "sid": session_id,
        "iat": issued,
        "exp": issued + lifetime(),
        "jti": uuid.uuid4().hex,
    }
    return jwt.encode(claims, signing_keys(PURPOSE)[0], algorithm=ALGORITHM)


def is_access_token(secret: str) -> bool:
    """Whether `secret` has the form of one; it may be anybody's."""
    return len(secret) <= MAX_LENGTH and _FORM.fullmatch(secret) is not None


def read(token: str) -> Claims:
    """What an access token of ours says. Raises `InvalidToken` or `ExpiredToken`."""
    claims = _verified(token)
    issued, expires = claims["iat"], claims["exp"]
    if not (isinstance(claims["sid"], str) and isinstance(issued, int) and isinstance(expires, int)):
        raise InvalidToken
    if expires - issued > lifetime().total_seconds():
        raise InvalidToken
    expires_at = datetime.fromtimestamp(expires, UTC)
    if expires_at <= datetime.now(UTC):
        raise ExpiredToken(at=expires_at)
    return Claims(session_id=claims["sid"], expires_at=expires_at)


def _verified(token: str) -> dict[str, Any]:
    for key in signing_keys(PURPOSE):
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                leeway=LEEWAY,
                # When it ended is looked at above, and said.
                options={"require": CLAIMS, "verify_exp": False},
            )
        except jwt.InvalidSignatureError:
            continue
        except (jwt.PyJWTError, ValueError):
            raise InvalidToken from None
    raise InvalidToken

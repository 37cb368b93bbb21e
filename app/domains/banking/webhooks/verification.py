"""Tells Plaid's webhooks from forged, old and repeated ones.

A webhook brings a token (JWT) signed with one of Plaid's keys. The token names the key, says when it was
made, and holds the SHA-256 of the body.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt

from app.domains.banking.errors import InvalidWebhook
from app.domains.banking.webhooks.keys import KeyRing, Named
from app.values.field_errors import InvalidFields
from app.values.strict_json import InvalidJson, parsed

if TYPE_CHECKING:
    from app.domains.banking.plaid.client import Plaid

HEADER = "Plaid-Verification"
ALGORITHM = "ES256"
OLDEST = timedelta(minutes=5)
#: How far Plaid's clock may be ahead of this host's.
SKEW = timedelta(seconds=30)
KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
#: Plaid's have about 400.
LONGEST_TOKEN = 2_000
#: The first half of an ES256 signature. Of its second half there are two for each, either as good.
FIXED_PART = 32

_RING = KeyRing()


@dataclass(frozen=True, kw_only=True)
class Verified:
    """A webhook that is surely Plaid's; `digest` is another for each one that Plaid signed."""

    digest: str
    body: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A token that Plaid signed just now, for a body that is still to be read."""

    _token: str
    _signature: bytes
    _body_sha256: Any

    def verify(self, body: bytes) -> Verified:
        """Check the raw body by the token, and only then parse it. Raises `InvalidWebhook`."""
        found = hashlib.sha256(body).hexdigest()
        claimed = self._body_sha256
        if not isinstance(claimed, str) or not hmac.compare_digest(found.encode(), claimed.encode()):
            raise InvalidWebhook(problem="its body is not the one that was signed")
        signed, fixed = self._token.rpartition(".")[0].encode(), self._signature[:FIXED_PART]
        digest = hashlib.sha256(b".".join((signed, fixed, body))).hexdigest()
        return Verified(digest=digest, body=_document(body))


async def check_token(token: str, *, address: str, plaid: Plaid, now: datetime) -> Signed:
    """Check a webhook's token, for which no body is needed.

    Raises `InvalidWebhook` unless Plaid signed it just now.
    """
    key = await _RING.key(Named(key_id=_key_id(token), address=address), plaid=plaid, now=now)
    try:
        claims = jwt.decode_complete(
            token,
            jwt.PyJWK(key, algorithm=ALGORITHM).key,
            algorithms=[ALGORITHM],
            # Judged below, by the clock that is passed in.
            options={"verify_iat": False, "verify_exp": False, "verify_nbf": False, "verify_aud": False},
        )
    except (jwt.PyJWTError, RecursionError):
        raise InvalidWebhook(problem="its signature is not Plaid's") from None
    _check_age(claims["payload"].get("iat"), now=now)
    return Signed(
        _token=token,
        _signature=claims["signature"],
        _body_sha256=claims["payload"].get("request_body_sha256"),
    )


def _key_id(token: str) -> str:
    if len(token) > LONGEST_TOKEN:
        raise InvalidWebhook(problem=f"its token is longer than {LONGEST_TOKEN} characters")
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, RecursionError):
        raise InvalidWebhook(problem="its token cannot be read") from None
    if header.get("alg") != ALGORITHM:
        raise InvalidWebhook(problem=f"its token is not signed by {ALGORITHM}")
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not KEY_ID.fullmatch(key_id):
        raise InvalidWebhook(problem="its token names no key")
    return key_id


def _check_age(issued_at: Any, *, now: datetime) -> None:
    if isinstance(issued_at, bool) or not isinstance(issued_at, int | float):
        raise InvalidWebhook(problem="its token does not say when it was made")
    try:
        age = now - datetime.fromtimestamp(issued_at, tz=UTC)
    except (ValueError, OverflowError, OSError):
        raise InvalidWebhook(problem="its token does not say when it was made") from None
    if age > OLDEST:
        raise InvalidWebhook(problem="its token is older than five minutes")
    if age < -SKEW:
        raise InvalidWebhook(problem="its token was made in the future")


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = parsed(body) if body else None
    except (InvalidJson, InvalidFields) as error:
        raise InvalidWebhook(problem=f"its body cannot be stored ({error})") from None
    if not isinstance(document, dict):
        raise InvalidWebhook(problem="its body is not a JSON object")
    return document

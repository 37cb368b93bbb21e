"""Knows what Stripe sends by its signature. Source: Stripe, verify webhook signatures manually.

The header `Stripe-Signature` has a moment, `t=1492774577`, and signatures, `v1=5257a869...`: one for each
secret that the endpoint has just then, for while one is rolled there are two. Other schemes are left out.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from app.domains.marketplace.stripe.errors import InvalidSignature, StripeNotConfigured
from app.settings.config import settings

if TYPE_CHECKING:
    from datetime import datetime

HEADER = "Stripe-Signature"
SCHEME = "v1"
#: How old an event may be, and how far Stripe's clock may be ahead: that of Stripe's own libraries.
TOLERANCE = timedelta(minutes=5)
#: Stripe's has about 150 characters for a secret.
LONGEST_HEADER = 2_000
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A header that was made just now, for a body that is still to be read."""

    _timestamp: str
    _signatures: tuple[str, ...]

    def verify(self, body: bytes) -> None:
        """Refuse a body, as it came, that was not signed.

        Raises `InvalidSignature`, and `StripeNotConfigured`.
        """
        expected = signature(_secret(), timestamp=self._timestamp, body=body).encode()
        # All are compared, so that the time tells nothing.
        matches = [hmac.compare_digest(expected, one.encode(errors="replace")) for one in self._signatures]
        if not any(matches):
            raise InvalidSignature(problem="its signature is not Stripe's")


def check_header(header: str, *, now: datetime) -> Signed:
    """Check the header of an event, for which no body is needed.

    Raises `InvalidSignature` for one that is not new.
    """
    if len(header) > LONGEST_HEADER:
        raise InvalidSignature(problem=f"its signature is longer than {LONGEST_HEADER} characters")
    items = [part.strip().partition("=") for part in header.split(",")]
    moments = [value for name, _, value in items if name == "t"]
    if len(moments) != 1 or not _SECONDS.fullmatch(moments[0]):
        raise InvalidSignature(problem="it does not say when it was signed")
    if abs(now.timestamp() - int(moments[0])) > TOLERANCE.total_seconds():
        raise InvalidSignature(problem="it was not signed within the last five minutes")
    signatures = tuple(value for name, _, value in items if name == SCHEME)
    if not signatures:
        raise InvalidSignature(problem=f"it has no signature of the scheme {SCHEME}")
    return Signed(_timestamp=moments[0], _signatures=signatures)


def signature(secret: str, *, timestamp: str, body: bytes) -> str:
    """How Stripe signs."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _secret() -> str:
    secret = settings().stripe_webhook_secret.get_secret_value()
    if not secret:
        raise StripeNotConfigured
    return secret

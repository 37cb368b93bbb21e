"""Stripe's side of payments: what was paid there, told by events that are signed as Stripe documents."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import itertools
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

#: As Stripe gives them out; the whole text is the key, its prefix included.
SIGNING_SECRET = "whsec_fake0123456789abcdefFAKE0123"
_NUMBERS = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A request of Stripe as it goes over the wire."""

    headers: dict[str, str]
    body: bytes


def event(kind: str, subject: dict[str, Any], *, event_id: str | None = None) -> bytes:
    """The body of an event; Stripe writes them over several lines."""
    told = {
        "id": event_id or f"evt_{next(_NUMBERS):024}",
        "object": "event",
        "api_version": "2025-08-27.basil",
        "created": int(time.time()),
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
        "data": {"object": subject},
    }
    return json.dumps(told, indent=2).encode()


def checkout_session(
    order: str | None, *, payment: str, amount: int, currency: str = "eur"
) -> dict[str, Any]:
    """A Checkout Session whose money came."""
    return {
        "id": f"cs_test_{next(_NUMBERS)}",
        "object": "checkout.session",
        "client_reference_id": order,
        "amount_total": amount,
        "currency": currency,
        "metadata": {},
        "mode": "payment",
        "payment_intent": payment,
        "payment_status": "paid",
        "status": "complete",
    }


def payment_intent(order: str | None, *, payment: str, amount: int, currency: str = "eur") -> dict[str, Any]:
    """A Payment Intent whose money came."""
    return {
        "id": payment,
        "object": "payment_intent",
        "amount": amount,
        "amount_received": amount,
        "currency": currency,
        "metadata": {} if order is None else {"order": order},
        "status": "succeeded",
    }


def refunded_charge(payment: str, *, amount: int, back: int, currency: str = "eur") -> dict[str, Any]:
    """A charge of which something went back."""
    return {
        "id": f"ch_{next(_NUMBERS)}",
        "object": "charge",
        "amount": amount,
        "amount_refunded": back,
        "currency": currency,
        "payment_intent": payment,
        "refunded": back == amount,
    }


def signature(body: bytes, *, secret: str = SIGNING_SECRET, at: int) -> str:
    """How Stripe signs."""
    return hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()


def sign(body: bytes, *, secrets: tuple[str, ...] = (SIGNING_SECRET,), at: float | None = None) -> Signed:
    """Sign now, or as if at another time; with several secrets, as while one is rolled."""
    moment = int(time.time() if at is None else at)
    signatures = [f"v1={signature(body, secret=secret, at=moment)}" for secret in secrets]
    # The scheme of test events, which nobody is to verify by.
    header = ",".join([f"t={moment}", *signatures, f"v0={'6' * 64}"])
    return Signed(
        headers={"content-type": "application/json; charset=utf-8", "stripe-signature": header}, body=body
    )


def send(signed: Signed, *, url: str) -> int:
    """Post a request as Stripe does; the status of the answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=10)
    connection.request("POST", parts.path, body=signed.body, headers=signed.headers)
    status = connection.getresponse().status
    connection.close()
    return status

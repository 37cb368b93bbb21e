"""Alerts as JSON to any URL, signed so that the receiver knows who sent them and when.

`Groundwork-Signature: t=SECONDS,v1=HEX` holds the time of sending and the HMAC-SHA256, under
`GROUNDWORK_ALERT_WEBHOOK_SECRET`, of those seconds, a full stop and the body as it came. A receiver compares
it, refuses an old time, and takes what comes twice under one `Idempotency-Key` once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from functools import partial
from typing import TYPE_CHECKING

from app.outbound.alerts.channels.channel import Channel
from app.outbound.alerts.channels.http_post import name_of, post
from app.settings.config import settings

if TYPE_CHECKING:
    from app.outbound.alerts.message import AlertMessage
    from app.outbound.deliveries.outcome import HandOver

SIGNATURE_HEADER = "Groundwork-Signature"


def webhook(url: str) -> Channel:
    """The channel of that URL."""
    return Channel(name=name_of("webhook", url), send=partial(_send, url))


def signature(body: bytes, *, at: int, secret: str) -> str:
    """The value of the header for `body`, sent at that second."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def _send(url: str, message: AlertMessage, handover: HandOver) -> str:
    body = json.dumps(message.as_json(), ensure_ascii=False).encode()
    secret = settings().alert_webhook_secret.get_secret_value()
    headers = {
        SIGNATURE_HEADER: signature(body, at=int(time.time()), secret=secret),
        "Idempotency-Key": message.key,
    }
    post(url, body=body, headers=headers, handover=handover)
    return ""

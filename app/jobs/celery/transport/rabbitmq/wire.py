"""What a worker takes from RabbitMQ, in the one form that messages have here."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from app.jobs.broker.rabbitmq.names import DELIVERY_LIMIT
from app.jobs.broker.rabbitmq.publishing import ENVELOPE
from app.jobs.celery.transport import envelope

if TYPE_CHECKING:
    import amqp

#: Properties of AMQP that Celery reads.
PROPERTIES = ("correlation_id", "reply_to", "priority", "delivery_mode", "expiration")
REASONS = {
    "delivery_limit": f"It was delivered {DELIVERY_LIMIT} times, and nobody came to an end with it.",
    "rejected": "A worker refused it.",
}


def document_of(message: amqp.Message, *, queue: str) -> Any:
    """The envelope: that which was sent as the body, or one made of a message by another Celery client."""
    if message.properties.get("content_type") == ENVELOPE:
        return envelope.read(_body(message))
    properties = {name: message.properties.get(name) for name in PROPERTIES}
    to = {"exchange": "", "routing_key": queue, "priority": properties["priority"]}
    return {
        "body": base64.b64encode(_body(message)).decode(),
        "content-type": message.properties.get("content_type"),
        "content-encoding": message.properties.get("content_encoding"),
        "headers": message.properties.get("application_headers") or {},
        "properties": {
            **properties,
            "delivery_info": to,
            "delivery_tag": str(message.delivery_tag),
            "body_encoding": "base64",
        },
    }


def raw_of(message: amqp.Message, *, queue: str) -> bytes:
    """The envelope as bytes, whatever is in it."""
    if message.properties.get("content_type") == ENVELOPE:
        return _body(message)
    return json.dumps(document_of(message, queue=queue), default=str).encode()


def why_dead(message: amqp.Message) -> str:
    """Why it is a dead letter."""
    headers = message.properties.get("application_headers") or {}
    reason = str(headers.get("x-first-death-reason"))
    return REASONS.get(reason, f"RabbitMQ gave it up: {reason}.")


def _body(message: amqp.Message) -> bytes:
    return message.body.encode() if isinstance(message.body, str) else bytes(message.body)

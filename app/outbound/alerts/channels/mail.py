"""Alerts by mail, each address by itself, through the transport that carries all mail."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from app.outbound.alerts.channels.channel import Channel
from app.outbound.deliveries.models import Delivery
from app.outbound.mail.message import Message
from app.outbound.mail.transport import mail_provider

if TYPE_CHECKING:
    from app.outbound.alerts.message import AlertMessage
    from app.outbound.deliveries.outcome import HandOver


def mail(address: str) -> Channel:
    """The channel of that address."""
    return Channel(name=f"mail {address}", send=partial(_send, address))


def _send(address: str, message: AlertMessage, handover: HandOver) -> str:
    # Both times under one Message-ID, if it is sent twice.
    made = Message(
        key=f"{message.key}:{address}", to=(address,), subject=message.title, text=message.text + "\n"
    )
    # Not a row: whether it is recorded is the caller's matter.
    delivery = Delivery(key=made.key, content=made.content())
    return mail_provider(to=(address,)).send(delivery, handover).provider_id

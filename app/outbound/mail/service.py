"""Accepts mail and has it sent once. Nothing here commits: the caller's transaction decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.jobs.celery.application import celery_app
from app.jobs.ledger.seal import mask
from app.outbound.deliveries import service as deliveries
from app.outbound.deliveries.models import DeliveryState
from app.outbound.deliveries.service import Outgoing
from app.outbound.mail.message import without_files
from app.outbound.mail.rendering import render
from app.outbound.mail.suppression import reachable
from app.outbound.mail.transport import mail_provider

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.outbound.deliveries.models import Delivery
    from app.outbound.mail.message import Message


CHANNEL = "email"
DELIVER_TASK = "mail.deliver_mail"
NOBODY_LEFT = "Every recipient is suppressed."


def queue_mail(
    session: Session,
    *,
    key: str,
    to: Sequence[str],
    template: str,
    context: Mapping[str, Any],
    sealed: bool = False,
) -> int:
    """Have a worker send the mail that `template` makes of `context`, once per `key`; the delivery's id.

    The text of a `sealed` one is for nobody but its recipients.
    """
    message = render(key=key, to=to, template=template, context=context, sealed=sealed)
    delivery = prepare_mail(session, message)
    celery_app.send_task(DELIVER_TASK, kwargs={"delivery_id": delivery.id}, key=f"mail:{delivery.id}")
    return delivery.id


def prepare_mail(session: Session, message: Message) -> Delivery:
    """The delivery of `message`; the one that its key has already, if any."""
    return deliveries.prepare(
        session,
        Outgoing(
            key=message.key,
            channel=CHANNEL,
            recipient=", ".join(message.to),
            subject=message.subject,
            content=message.content(),
        ),
    )


def send_mail(session: Session, delivery: Delivery, *, job_id: str, commit: Checkpoint) -> dict[str, Any]:
    """Send a prepared mail to those who may get it; what became of it.

    Raises `NotSent`, `Refused` or `Uncertain` (see `app.outbound.deliveries.service.deliver`).
    """
    to = tuple(reachable(session, delivery.content["to"]))
    if to:
        provider = mail_provider(to=to)
        delivery = deliveries.deliver(session, delivery, provider=provider, job_id=job_id, commit=commit)
        if delivery.state == DeliveryState.SENT:
            delivery.content = without_files(mask(delivery.content))
    elif delivery.state == DeliveryState.WAITING:
        deliveries.suppress(session, delivery, reason=NOBODY_LEFT)
    return {
        "status": delivery.state,
        "message_id": delivery.provider_id,
        "delivery_id": delivery.id,
        "problem": delivery.error,
    }

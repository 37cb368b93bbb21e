"""Has a message sent by every channel: each has a delivery, under the message's key, and a job."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.jobs.ledger.models import TERMINAL, Job
from app.outbound.alerts.channels.configured import channels
from app.outbound.alerts.message import AlertMessage, Event
from app.outbound.deliveries import service as deliveries
from app.outbound.deliveries.errors import NotSent
from app.outbound.deliveries.models import Delivery, DeliveryState
from app.outbound.deliveries.outcome import HandOver, Outcome
from app.outbound.deliveries.service import Limit, Outgoing, Provider, WhenUncertain

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.outbound.alerts.channels.channel import Channel

CHANNEL = "alert"
DELIVER_TASK = "alerts.deliver_alert"
#: What is sent at once has come to its end by then, one way or the other.
JOB_AFTER_DIRECT = timedelta(minutes=2)
PER_MINUTE = 60
CHANNEL_GONE = "This channel is not configured any more."


class Told(NamedTuple):
    """A delivery, and the job that carries it."""

    delivery_id: int
    job_id: str


def tell(session: Session, message: AlertMessage, *, direct: bool) -> list[Told]:
    """Have every channel told, if the session's transaction commits."""
    return [_prepared(session, message, channel=name, direct=direct) for name in channels()]


def _prepared(session: Session, message: AlertMessage, *, channel: str, direct: bool) -> Told:
    outgoing = Outgoing(
        key=f"{message.key}:{channel}",
        channel=CHANNEL,
        recipient=channel,
        subject=message.title,
        content=message.as_json(),
    )
    delivery = deliveries.prepare(session, outgoing)
    job = new_job(
        DELIVER_TASK,
        kwargs={"delivery_id": delivery.id},
        key=_job_key(delivery.id),
        delay_seconds=JOB_AFTER_DIRECT.total_seconds() if direct else 0.0,
    )
    return Told(delivery_id=delivery.id, job_id=accept(session, [job])[0].id)


def deliver(session: Session, *, delivery_id: int, job_id: str, commit: Checkpoint) -> DeliveryState:
    """Send a prepared message, once. Raises what `app.outbound.deliveries.service.deliver` does."""
    delivery = deliveries.find(session, delivery_id=delivery_id)
    _refuse_before_its_beginning(session, delivery)
    channel = channels().get(delivery.recipient)
    if channel is not None:
        provider = _provider(channel)
        delivery = deliveries.deliver(session, delivery, provider=provider, job_id=job_id, commit=commit)
    elif delivery.state == DeliveryState.WAITING:
        deliveries.suppress(session, delivery, reason=CHANNEL_GONE)
    return DeliveryState(delivery.state)


def _refuse_before_its_beginning(session: Session, delivery: Delivery) -> None:
    """Have an end wait for a beginning that could not be told yet: the other way round, it would mislead."""
    beginning = delivery.key.replace(f":{Event.RECOVERED}:", f":{Event.OPENED}:", 1)
    if delivery.state != DeliveryState.WAITING or beginning == delivery.key:
        return
    told = select(Delivery.id).where(
        Delivery.key == beginning, Delivery.state.in_((DeliveryState.WAITING, DeliveryState.SENDING))
    )
    job = select(Job.id).where(Job.key == _job_key(session.scalar(told)), Job.state.not_in(TERMINAL))
    if session.scalar(job) is not None:
        raise NotSent("It is told once its beginning is.")


def _job_key(delivery_id: int | None) -> str:
    return f"alert:{delivery_id}"


def _provider(channel: Channel) -> Provider:
    def send(delivery: Delivery, handover: HandOver) -> Outcome:
        return Outcome(provider_id=channel.send(AlertMessage.from_json(delivery.content), handover))

    return Provider(
        name=channel.name,
        send=send,
        limit=Limit(name=f"alert:{channel.name}", per_minute=PER_MINUTE),
        # One that may have gone out shows in `doctor`, and as an alert by itself.
        when_uncertain=WhenUncertain.HOLD,
    )

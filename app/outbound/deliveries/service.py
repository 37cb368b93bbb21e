"""Calls a provider once for each business key, whatever is delivered again and whoever dies meanwhile.

A delivery is marked, and the mark committed, before the provider is called. A job that finds the mark of
an attempt that has ended knows that its predecessor died between the call and the commit: whether the
effect happened cannot be known here, so the declared policy decides.

Whatever a provider raises ends the mark. Before it handed the message over (see `HandOver`), that means
that nothing was sent; later, unless it is one of `app.outbound.deliveries.errors`, that nobody knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from app.db.clock import now as db_now
from app.db.pruning import kept_since, prune
from app.db.upsert import insert_or_update
from app.jobs.errors import RetryableError
from app.jobs.ledger import encoding
from app.jobs.ledger.models import TERMINAL, Job
from app.jobs.service import is_running
from app.logs.masking import excerpt, identifier
from app.outbound.deliveries import turns
from app.outbound.deliveries.errors import (
    DeliveryNotFound,
    InProgress,
    NotSent,
    OutcomeUnknown,
    Refused,
    Uncertain,
)
from app.outbound.deliveries.models import Delivery, DeliveryState
from app.outbound.deliveries.outcome import HandOver, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint


#: States that no call of a provider follows.
SETTLED = frozenset({DeliveryState.SENT, DeliveryState.SUPPRESSED})
NOT_WRITTEN_DOWN = "its outcome was not recorded: the worker or the database was lost meanwhile."


class WhenUncertain(StrEnum):
    """What becomes of a delivery that may have been sent."""

    HOLD = "hold"  # a person decides: at most one effect
    SEND = "send"  # it is sent again: at least one effect


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """Something to send, before anybody tried. `key` is the business's own name for it."""

    key: str
    channel: str
    recipient: str
    subject: str
    content: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Limit:
    """How many a minute all workers together may send through what is called `name`."""

    name: str
    per_minute: int


@dataclass(frozen=True, kw_only=True)
class Provider:
    """Who carries a delivery: its name, its call, and how it is used."""

    name: str
    send: Callable[[Delivery, HandOver], Outcome]
    limit: Limit
    when_uncertain: WhenUncertain


def prepare(session: Session, outgoing: Outgoing) -> Delivery:
    """The delivery with the key of `outgoing`; it is made of it unless there is one."""
    now = db_now(session)
    statement = insert_or_update(session, Delivery).values(
        key=outgoing.key,
        channel=outgoing.channel,
        recipient=outgoing.recipient,
        subject=outgoing.subject,
        content=outgoing.content,
        state=DeliveryState.WAITING,
        calls=0,
        created_at=now,
        changed_at=now,
    )
    session.execute(statement.on_conflict_do_nothing(index_elements=[Delivery.key]))
    return session.scalars(select(Delivery).where(Delivery.key == outgoing.key)).one()


def find(session: Session, *, delivery_id: int) -> Delivery:
    """The delivery with that id. Raises `DeliveryNotFound`."""
    found = session.get(Delivery, delivery_id)
    if found is None:
        raise DeliveryNotFound(delivery_id=delivery_id)
    return found


def deliver(
    session: Session, delivery: Delivery, *, provider: Provider, job_id: str, commit: Checkpoint
) -> Delivery:
    """Have `provider` carry the delivery, unless that has happened. Raises what is left to do.

    `commit` makes what is known durable: before the call, and after one that failed. What a call that
    went well has changed is left to the job's own end.
    """
    if delivery.state in SETTLED:
        return delivery
    # Committed first, because a job that has to wait for its turn is rolled back.
    commit()
    turns.take(provider.limit.name, per_minute=provider.limit.per_minute)
    delivery = locked(session, delivery.id)
    if delivery.state in SETTLED:
        return delivery
    _judge_earlier_call(session, delivery, provider=provider, job_id=job_id, commit=commit)
    mark(session, delivery, DeliveryState.SENDING, error=None)
    delivery.provider, delivery.job_id = provider.name, job_id
    delivery.calls += 1
    commit()
    outcome = _call(session, delivery, provider=provider, commit=commit)
    delivery.provider_id = identifier(outcome.provider_id)
    if outcome.left is not None:
        delivery.content = outcome.left
        mark(session, delivery, DeliveryState.WAITING, error=outcome.why_left)
        commit()
        raise NotSent(outcome.why_left)
    mark(session, delivery, DeliveryState.SENT, error=outcome.refused)
    delivery.sent_at = delivery.changed_at
    return delivery


def _call(session: Session, delivery: Delivery, *, provider: Provider, commit: Checkpoint) -> Outcome:
    handover = HandOver()
    try:
        return provider.send(delivery, handover)
    except NotSent as error:
        mark(session, delivery, DeliveryState.WAITING, error=str(error))
        commit()
        raise
    except Refused as error:
        mark(session, delivery, DeliveryState.FAILED, error=str(error))
        commit()
        raise
    except BaseException as error:
        _end_call(session, delivery, provider=provider, error=error, handover=handover, commit=commit)
        raise


def _end_call(
    session: Session,
    delivery: Delivery,
    *,
    provider: Provider,
    error: BaseException,
    handover: HandOver,
    commit: Checkpoint,
) -> None:
    """End a call that raised something unforeseen; raises what is left to do, unless the process ends."""
    said = str(error) if isinstance(error, OutcomeUnknown) else excerpt(encoding.sentence(error))
    known = isinstance(error, OutcomeUnknown) or handover.has_begun
    sentence = said if known else f"{provider.name} was sent nothing, because this failed before: {said}"
    mark(session, delivery, DeliveryState.UNCERTAIN if known else DeliveryState.WAITING, error=sentence)
    commit()
    if not isinstance(error, Exception):
        return
    if not known:
        raise NotSent(sentence) from error
    if provider.when_uncertain is WhenUncertain.HOLD:
        raise Uncertain(delivery=delivery) from error
    raise RetryableError(f"{provider.name} did not answer: {said}") from error


def suppress(session: Session, delivery: Delivery, *, reason: str) -> None:
    """Settle a delivery that has nobody left to go to."""
    mark(session, delivery, DeliveryState.SUPPRESSED, error=reason)


def count_stuck(session: Session) -> int:
    """How many deliveries are marked as being sent whose job has ended or is gone."""
    open_job = select(Job.id).where(Job.id == Delivery.job_id, Job.state.not_in(TERMINAL))
    stuck = (Delivery.state == DeliveryState.SENDING) & ~open_job.exists()
    return session.scalar(select(func.count()).where(stuck)) or 0


def forget_settled(session: Session, *, commit: Checkpoint) -> int:
    """Delete what was settled so long ago that its jobs are forgotten, too; the answer is how many.

    What failed or is not known stays until a person has dealt with it.
    """
    old = Delivery.state.in_(SETTLED) & (Delivery.changed_at < kept_since(session))
    return prune(session, select(Delivery.id).where(old), commit=commit)


def locked(session: Session, delivery_id: int) -> Delivery:
    """The delivery as it is now, which nobody else changes meanwhile. Raises `DeliveryNotFound`."""
    found = session.get(Delivery, delivery_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise DeliveryNotFound(delivery_id=delivery_id)
    return found


def _judge_earlier_call(
    session: Session, delivery: Delivery, *, provider: Provider, job_id: str, commit: Checkpoint
) -> None:
    if delivery.state == DeliveryState.SENDING:
        if delivery.job_id != job_id and is_running(session, job_id=delivery.job_id):
            raise InProgress(delivery=delivery)
        mark(session, delivery, DeliveryState.UNCERTAIN, error=NOT_WRITTEN_DOWN)
    if delivery.state == DeliveryState.UNCERTAIN and provider.when_uncertain is WhenUncertain.HOLD:
        commit()
        raise Uncertain(delivery=delivery)


def mark(session: Session, delivery: Delivery, state: DeliveryState, *, error: str | None) -> None:
    """Note what became of the delivery."""
    # Often it is what another program said, which may hold anything.
    delivery.state, delivery.error = state, None if error is None else encoding.text(error)
    delivery.changed_at = db_now(session)

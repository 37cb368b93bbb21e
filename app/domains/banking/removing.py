"""Has Plaid forget the banks of somebody who goes, as deliveries, whoever is down meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.banking.errors import PlaidRefused, PlaidUnavailable
from app.domains.banking.models import ItemStatus, PlaidItem
from app.domains.banking.plaid.client import NAME, Plaid
from app.jobs.celery.application import celery_app
from app.jobs.ledger.seal import seal, unseal
from app.outbound.deliveries import service as deliveries
from app.outbound.deliveries.errors import NotSent
from app.outbound.deliveries.outcome import HandOver, Outcome
from app.outbound.deliveries.service import Limit, Outgoing, Provider, WhenUncertain
from app.settings.config import settings

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.outbound.deliveries.models import Delivery

REMOVE_TASK = "banking.remove_item"
CHANNEL = "item_removal"
#: Plaid's codes for an item that is not there any more.
GONE_CODES = frozenset({"ITEM_NOT_FOUND", "INVALID_ACCESS_TOKEN"})


def end_all(session: Session, which: ColumnElement[bool]) -> None:
    """Read nothing more at these banks, and have Plaid forget them, each once."""
    for item in session.scalars(
        select(PlaidItem).where(which).order_by(PlaidItem.id).with_for_update()
    ).all():
        item.status = ItemStatus.REVOKED
        delivery = deliveries.prepare(
            session,
            Outgoing(
                key=f"item-removal:{item.id}",
                channel=CHANNEL,
                recipient=NAME,
                subject="The connection to a bank of somebody who is erased",
                content={"access_token": seal(item.access_token)},
            ),
        )
        celery_app.send_task(REMOVE_TASK, kwargs={"delivery_id": delivery.id}, key=delivery.key)


def remove(session: Session, *, delivery_id: int, job_id: str, commit: Checkpoint) -> str:
    """Have Plaid forget an item; what became of that. Raises `NotSent` while it does not."""
    delivery = deliveries.find(session, delivery_id=delivery_id)
    provider = Provider(
        name=NAME,
        send=_send,
        limit=Limit(name=NAME, per_minute=settings().plaid_per_minute),
        # To remove it a second time changes nothing.
        when_uncertain=WhenUncertain.SEND,
    )
    delivery = deliveries.deliver(session, delivery, provider=provider, job_id=job_id, commit=commit)
    delivery.content = {}
    return delivery.state


def _send(delivery: Delivery, _handover: HandOver) -> Outcome:
    # The delivery has taken a turn already.
    plaid = Plaid(turn=lambda: None)
    try:
        plaid.remove(access_token=unseal(delivery.content["access_token"]))
    except PlaidUnavailable as error:
        raise NotSent(str(error), after=error.after) from error
    except PlaidRefused as error:
        if error.reason not in GONE_CODES:
            raise
        return Outcome(provider_id="", refused=str(error))
    return Outcome(provider_id="")

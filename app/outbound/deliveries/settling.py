"""Settles by hand what is uncertain: a person has looked where the provider keeps what it sent."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from app.jobs.service import retry_job
from app.outbound.deliveries.errors import ChangedMeanwhile, NotUncertain
from app.outbound.deliveries.models import Delivery, DeliveryState
from app.outbound.deliveries.service import locked, mark

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session


class Settlement(StrEnum):
    """What a person says of an uncertain delivery."""

    SENT = "sent"
    AGAIN = "again"  # it was not sent: its job runs again
    GIVEN_UP = "given_up"  # whether it was sent or not, it is not sent again


#: The state that it has then.
STATES = {
    Settlement.SENT: DeliveryState.SENT,
    Settlement.AGAIN: DeliveryState.WAITING,
    Settlement.GIVEN_UP: DeliveryState.SUPPRESSED,
}


def settle(
    session: Session,
    *,
    delivery_id: int,
    how: Settlement,
    reason: str | None = None,
    seen_at: datetime | None = None,
) -> Delivery:
    """Say what became of an uncertain delivery; with `seen_at`, only if it last changed then.

    Raises `DeliveryNotFound`, `NotUncertain` and `ChangedMeanwhile`; and `JobNotFound` and
    `JobStateConflict` where there is no job to send it again.
    """
    delivery = locked(session, delivery_id)
    if delivery.state != DeliveryState.UNCERTAIN:
        raise NotUncertain(delivery=delivery)
    if seen_at is not None and delivery.changed_at != seen_at:
        raise ChangedMeanwhile(delivery=delivery)
    given_up = f"Given up: {reason}" if reason else "Given up on the command line."
    error = given_up if how is Settlement.GIVEN_UP else None
    mark(session, delivery, STATES[how], error=error)
    delivery.sent_at = delivery.changed_at if how is Settlement.SENT else None
    if how is Settlement.AGAIN and delivery.job_id is not None:
        retry_job(session, job_id=delivery.job_id)
    return delivery

"""Deliveries for a person's eyes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.outbound.deliveries.models import Delivery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.outbound.deliveries.models import DeliveryState

_SHOWN = (
    "id",
    "key",
    "channel",
    "recipient",
    "subject",
    "state",
    "provider",
    "provider_id",
    "error",
    "job_id",
    "calls",
    "created_at",
    "changed_at",
    "sent_at",
)


def newest(session: Session, *, state: DeliveryState | None, limit: int) -> Sequence[Delivery]:
    """The newest deliveries, all or those in `state`."""
    statement = select(Delivery).order_by(Delivery.id.desc()).limit(limit)
    if state is not None:
        statement = statement.where(Delivery.state == state)
    return session.scalars(statement).all()


def shown(delivery: Delivery) -> dict[str, Any]:
    """A delivery without what is sent."""
    return {name: getattr(delivery, name) for name in _SHOWN}

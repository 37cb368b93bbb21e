"""Deliveries for a person's eyes."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import literal, select, tuple_

from app.db.columns import UtcDateTime
from app.jobs.ledger.seal import MASK
from app.outbound.deliveries.models import Delivery
from app.values.field_errors import FieldError, InvalidFields
from app.values.row_ids import MAX_BIGINT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
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


def masked(delivery: Delivery) -> dict[str, Any]:
    """The same without whom it goes to and what about."""
    error = delivery.error
    for address in filter(None, delivery.recipient.split(", ")):
        error = error and error.replace(address, MASK)
    return shown(delivery) | {"recipient": MASK, "subject": MASK, "error": error}


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some deliveries, and the cursor of the next ones."""

    deliveries: Sequence[Delivery]
    next: str | None


def page(session: Session, *, state: DeliveryState | None, limit: int, cursor: str | None) -> Page:
    """One page: all of them, the newest first; or those in `state`, the last that changed first."""
    after = None if cursor is None else _read(cursor)
    wanted = select(Delivery).limit(limit + 1)
    if state is None:
        wanted = wanted.order_by(Delivery.id.desc())
        narrowed = wanted if after is None else wanted.where(Delivery.id < after[1])
    else:
        wanted = wanted.where(Delivery.state == state.value)
        wanted = wanted.order_by(Delivery.changed_at.desc(), Delivery.id.desc())
        narrowed = wanted if after is None else wanted.where(_before(*after))
    found = session.scalars(narrowed).all()
    following = _cursor_of(found[limit - 1]) if len(found) > limit else None
    return Page(deliveries=found[:limit], next=following)


def of_job(session: Session, *, job_id: str, limit: int) -> Sequence[Delivery]:
    """Those for which the job called a provider last, the first of them first."""
    made = select(Delivery).where(Delivery.job_id == job_id).order_by(Delivery.id).limit(limit)
    return session.scalars(made).all()


def _before(moment: datetime, delivery_id: int) -> ColumnElement[bool]:
    return tuple_(Delivery.changed_at, Delivery.id) < tuple_(
        literal(moment, UtcDateTime()), literal(delivery_id)
    )


def _cursor_of(delivery: Delivery) -> str:
    return base64.urlsafe_b64encode(f"{delivery.changed_at.isoformat()}|{delivery.id}".encode()).decode()


def _read(cursor: str) -> tuple[datetime, int]:
    try:
        moment, _, number = base64.urlsafe_b64decode(cursor).decode().partition("|")
        changed_at, delivery_id = datetime.fromisoformat(moment).astimezone(UTC), int(number)
        if not 0 < delivery_id <= MAX_BIGINT:
            raise ValueError(cursor)
    except (binascii.Error, ValueError, OverflowError):
        detail = "The cursor is not one of these pages; begin with the first page"
        raise InvalidFields([FieldError(detail=detail, parameter="cursor")]) from None
    return changed_at, delivery_id

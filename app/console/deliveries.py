"""Deliveries as the console shows them: whom they go to belongs to people, and is shown to administrators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.console.questions import looking
from app.outbound.deliveries import listing, service
from app.outbound.deliveries.models import DeliveryState
from app.values.field_errors import FieldError, InvalidFields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.outbound.deliveries.models import Delivery
    from app.tokens.callers import Caller

PAGE = 50


@dataclass(frozen=True, kw_only=True)
class DeliveryPage:
    """Some deliveries as `shown` shows them, and the cursor of the next ones."""

    deliveries: Sequence[dict[str, Any]]
    next: str | None


def listed(*, state: DeliveryState | None, cursor: str | None, caller: Caller) -> DeliveryPage:
    """One page of them."""
    with looking() as session:
        found = listing.page(session, state=state, limit=PAGE, cursor=cursor)
    shown_ = [shown(one, caller=caller) for one in found.deliveries]
    return DeliveryPage(deliveries=shown_, next=found.next)


def one(delivery_id: int, *, caller: Caller) -> dict[str, Any]:
    """A delivery. Raises `DeliveryNotFound`."""
    with looking() as session:
        return shown(service.find(session, delivery_id=delivery_id), caller=caller)


def shown(delivery: Delivery, *, caller: Caller) -> dict[str, Any]:
    """A delivery without what is sent, as `caller` may see it."""
    return listing.shown(delivery) if caller.only_user is None else listing.masked(delivery)


def state_named(name: str) -> DeliveryState | None:
    """The state of that name; None for an empty one. Raises `InvalidFields`."""
    if not name:
        return None
    try:
        return DeliveryState(name)
    except ValueError:
        detail = f"There is no such state. The states are: {', '.join(DeliveryState)}"
        raise InvalidFields([FieldError(detail=detail, parameter="state")]) from None

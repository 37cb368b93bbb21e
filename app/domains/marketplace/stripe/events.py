"""Reads what Stripe's events say of orders. Source: Stripe, API reference, event types.

An order is named by its number: as `client_reference_id` of a Checkout Session, or under `order` in the
metadata of a session or a Payment Intent.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from app.domains.marketplace.stripe.errors import UnusableEvent
from app.outbound.json_fields import InvalidField, identifier, optional_identifier
from app.values.field_errors import InvalidFields
from app.values.money import OFFICIAL, minor_digits
from app.values.row_ids import MAX_BIGINT
from app.values.strict_json import InvalidJson, parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: The member of metadata that names an order.
ORDER = "order"
#: Decimals that Stripe counts with where ISO 4217 has others. Source: Stripe, supported currencies.
_DIGITS = {"ISK": 2, "UGX": 2, "MGA": 0}


@dataclass(frozen=True, kw_only=True)
class Paid:
    """Money came; `amount` in minor units."""

    order: str
    payment: str
    amount: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class Refunded:
    """All of a payment went back."""

    payment: str


@dataclass(frozen=True, kw_only=True)
class Event:
    """An event; without `told`, it is one that nothing is done about."""

    id: str
    type: str
    told: Paid | Refunded | None


def event_of(body: bytes) -> Event:
    """What a verified body says. Raises `UnusableEvent`."""
    event = _object(body)
    try:
        id_, type_ = identifier(event, "id"), identifier(event, "type")
        read = _READERS.get(type_)
        return Event(id=id_, type=type_, told=read(_subject(event)) if read else None)
    except InvalidField as error:
        raise UnusableEvent(problem=str(error).rstrip(".")) from None


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = parsed(body)
    except (InvalidJson, InvalidFields) as error:
        raise UnusableEvent(problem=str(error).rstrip(".")) from None
    if not isinstance(found, dict):
        raise UnusableEvent(problem="its body is not an object")
    return found


def _subject(event: Mapping[str, Any]) -> Mapping[str, Any]:
    data = event.get("data")
    subject = data.get("object") if isinstance(data, dict) else None
    if not isinstance(subject, dict):
        raise UnusableEvent(problem='its member "data" has no object')
    return subject


def _session(session: Mapping[str, Any]) -> Paid | None:
    """A Checkout Session, which can be complete before its money came."""
    order = optional_identifier(session, "client_reference_id") or _order_in(session)
    if session.get("payment_status") != "paid" or order is None:
        return None
    payment = identifier(session, "payment_intent")
    return _paid(session, "amount_total", order=order, payment=payment)


def _intent(intent: Mapping[str, Any]) -> Paid | None:
    """A Payment Intent; one of a Checkout Session need not say what it is for."""
    order = _order_in(intent)
    if order is None:
        return None
    return _paid(intent, "amount_received", order=order, payment=identifier(intent, "id"))


def _charge(charge: Mapping[str, Any]) -> Refunded | None:
    """A charge of which something went back: `refunded` once it is all."""
    payment = optional_identifier(charge, "payment_intent")
    return Refunded(payment=payment) if charge.get("refunded") is True and payment else None


def _order_in(subject: Mapping[str, Any]) -> str | None:
    metadata = subject.get("metadata")
    return optional_identifier(metadata, ORDER) if isinstance(metadata, dict) else None


def _paid(subject: Mapping[str, Any], name: str, *, order: str, payment: str) -> Paid:
    currency = identifier(subject, "currency").upper()
    if currency not in OFFICIAL:
        raise UnusableEvent(problem='its member "currency" is no currency of ISO 4217')
    amount = subject.get(name)
    if isinstance(amount, bool) or not isinstance(amount, int) or not 0 < amount <= MAX_BIGINT:
        raise UnusableEvent(problem=f'its member "{name}" is not an amount')
    return Paid(order=order, payment=payment, amount=_minor(amount, currency, name=name), currency=currency)


def _minor(amount: int, currency: str, *, name: str) -> int:
    """`amount` as ISO 4217 counts it."""
    usual = minor_digits(currency)
    units = Decimal(amount).scaleb(usual - _DIGITS.get(currency, usual))
    if units % 1 or units > MAX_BIGINT:
        raise UnusableEvent(problem=f'its member "{name}" is no whole amount of {currency}')
    return int(units)


_READERS: dict[str, Callable[[Mapping[str, Any]], Paid | Refunded | None]] = {
    "checkout.session.completed": _session,
    "checkout.session.async_payment_succeeded": _session,
    "payment_intent.succeeded": _intent,
    "charge.refunded": _charge,
}

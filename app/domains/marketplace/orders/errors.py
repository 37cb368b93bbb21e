"""What can go wrong with orders, each as one sentence with its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import Conflict, InvalidInput, NotFound
from app.settings.sources import PREFIX
from app.values.money import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.domains.marketplace.orders.models import Order


class OrderNotFound(NotFound):
    """Raised for an id that no order has, or none of the caller's."""

    code = "order_not_found"

    def __init__(self, *, order_id: int) -> None:
        super().__init__(f"There is no order with the id {order_id}.")


class NobodySells(Conflict):
    """Raised for an invoice while there is no tenant that makes it."""

    code = "nobody_sells"

    def __init__(self, order: Order) -> None:
        super().__init__(
            f"{order.number} gets no invoice: nobody is named as the seller. Set "
            f"{PREFIX}MARKETPLACE_TENANT_ID to the id of a tenant of billing."
        )


class InvoiceNotFound(NotFound):
    """Raised for an invoice or a credit note that an order does not have."""

    code = "invoice_not_found"

    def __init__(self, *, order_id: int, kind: str) -> None:
        super().__init__(f"The order with the id {order_id} has no {kind.replace('_', ' ')}, or not yet.")


class NotForSale(InvalidInput):
    """Raised for pricing tiers that nothing can be bought at."""

    code = "not_for_sale"

    def __init__(self, *, tier_ids: Iterable[int]) -> None:
        super().__init__(
            f"Nothing is sold at these pricing tiers: {', '.join(map(str, sorted(tier_ids)))}. "
            "Look at the model for those it has now."
        )


class OrderedTwice(InvalidInput):
    """Raised for an order with two lines of one pricing tier."""

    code = "ordered_twice"

    def __init__(self) -> None:
        super().__init__("Two lines have the same pricing tier. Make one of them, with the sum of both.")


class TooManyLicences(InvalidInput):
    """Raised for an order of more licences than one order may have."""

    code = "too_many_licences"

    def __init__(self, *, found: int, most: int) -> None:
        super().__init__(f"An order has {most} licences at most, not {found}. Place several orders.")


class MixedCurrencies(InvalidInput):
    """Raised for an order that nobody could pay in one currency."""

    code = "mixed_currencies"

    def __init__(self, *, currencies: Iterable[str]) -> None:
        names = ", ".join(sorted(currencies))
        super().__init__(f"What is ordered has prices in {names}. Place an order for each currency.")


class WhoBuys(InvalidInput):
    """Raised for an order of which it is not said whose it is, or another's than the caller's."""

    code = "who_buys"

    def __init__(self, *, user_id: int | None) -> None:
        problem = "Say in user_id who buys" if user_id is None else f"User {user_id} does not buy by you"
        super().__init__(f"{problem}. A person who signed in orders for themselves, and leaves user_id out.")


class KeyOfAnotherOrder(Conflict):
    """Raised for a key under which something else was ordered."""

    code = "key_of_another_order"

    def __init__(self, order: Order) -> None:
        super().__init__(f"Under this key something else was ordered, as {order.number}. Take another key.")


class KeyOfAnotherPayment(Conflict):
    """Raised for a payment whose name another one has."""

    code = "key_of_another_payment"

    def __init__(self, *, provider_id: str) -> None:
        super().__init__(
            f'Another payment has the key "{provider_id}": of another order or amount. Look it up.'
        )


class WrongAmount(Conflict):
    """Raised for money that is not what an order costs."""

    code = "wrong_amount"

    def __init__(self, order: Order, *, amount: int, currency: str) -> None:
        super().__init__(
            f"{order.number} costs {shown(order.gross, order.currency)}, and {shown(amount, currency)} came. "
            "An order is paid in one sum."
        )


class WrongState(Conflict):
    """Raised for what is not done to an order in its state."""

    code = "wrong_state"

    def __init__(self, order: Order, *, wanted: str) -> None:
        super().__init__(f"{order.number} is {order.state}; {wanted}.")

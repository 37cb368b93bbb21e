"""What the API of orders takes and answers. Amounts are strings: a JSON number would be a float."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field

from app.domains.billing.facts import TaxCategory
from app.domains.marketplace.catalog.models import BillingPeriod
from app.domains.marketplace.catalog.schemas import Amount, Currency, shown
from app.domains.marketplace.orders.listing import Whole
from app.domains.marketplace.orders.models import Order, OrderLine, OrderPayment, OrderState, Provider
from app.domains.marketplace.orders.placing import MAX_LICENCES, Wanted
from app.domains.marketplace.orders.settling import Money
from app.values.money import to_minor
from app.values.row_ids import RowId
from app.values.strict_models import StrictModel
from app.values.text_fields import ONE_LINE

Key = Annotated[str, Field(min_length=1, max_length=200), ONE_LINE]


class LineIn(StrictModel):
    """So many licences at a price."""

    tier_id: RowId
    quantity: Annotated[int, Field(ge=1, le=MAX_LICENCES)] = 1


class NewOrder(StrictModel):
    """What somebody buys; the same `key` again is the same order."""

    key: Key
    user_id: RowId | None = Field(default=None, description="Who buys; left out by a person who signed in.")
    lines: Annotated[list[LineIn], Field(min_length=1, max_length=MAX_LICENCES)]

    @property
    def wanted(self) -> list[Wanted]:
        """The lines."""
        return [Wanted(line.tier_id, line.quantity) for line in self.lines]


class NewPayment(StrictModel):
    """Money that came; the same `key`, such as the bank's reference, is the same payment."""

    key: Key
    amount: Amount
    currency: Currency

    @property
    def money(self) -> Money:
        """With the amount in minor units. Raises `FractionOfMinorUnit`, and `AmountTooLarge`."""
        return Money(
            provider=Provider.RECORDED,
            id=self.key,
            amount=to_minor(Decimal(self.amount), self.currency),
            currency=self.currency,
        )


class Standing(BaseModel):
    """What became of an order, for who operates the service: not whose it is."""

    id: int
    number: str
    state: OrderState
    paid_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, order: Order) -> Self:
        """As the API shows it."""
        return cls(**{name: getattr(order, name) for name in cls.model_fields})


class OrderView(BaseModel):
    """An order."""

    id: int
    number: str
    user_id: int
    key: str
    state: OrderState
    currency: str
    net: str
    tax: str
    gross: str
    created_at: datetime
    paid_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, order: Order) -> Self:
        """As the API shows it."""
        return cls(**_facts(order))


class LineView(BaseModel):
    """What was bought at a price, as that was when it was ordered."""

    model_id: int
    tier_id: int
    title: str
    tier: str
    period: BillingPeriod
    quantity: int
    amount: str
    net: str
    tax_category: TaxCategory
    tax_percent: str
    tax_reason: str | None

    @classmethod
    def of(cls, line: OrderLine, *, currency: str) -> Self:
        """As the API shows it."""
        told = {name: getattr(line, name) for name in cls.model_fields}
        told |= {name: shown(told[name], currency) for name in ("amount", "net")}
        return cls(**told | {"tax_percent": f"{line.tax_percent.normalize():f}"})


class PaymentView(BaseModel):
    """Money that came; with `problem`, it paid nothing."""

    provider: Provider
    provider_id: str
    amount: str
    currency: str
    received_at: datetime
    problem: str | None

    @classmethod
    def of(cls, payment: OrderPayment) -> Self:
        """As the API shows it."""
        told = {name: getattr(payment, name) for name in cls.model_fields}
        return cls(**told | {"amount": shown(payment.amount, payment.currency)})


class WholeOrder(OrderView):
    """An order with all that is below it."""

    lines: list[LineView]
    payments: list[PaymentView]

    @classmethod
    def whole(cls, found: Whole) -> Self:
        """As the API shows it."""
        return cls(
            **_facts(found.order),
            lines=[LineView.of(line, currency=found.order.currency) for line in found.lines],
            payments=[PaymentView.of(payment) for payment in found.payments],
        )


class OrderPage(BaseModel):
    """Some orders, the last placed first; `next` is the cursor of the page after."""

    orders: list[OrderView]
    next: int | None


def _facts(order: Order) -> dict[str, Any]:
    told = {name: getattr(order, name) for name in OrderView.model_fields}
    return told | {name: shown(told[name], order.currency) for name in ("net", "tax", "gross")}

"""The tables of orders. Amounts are whole minor units of the currency of their order."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base, FixedPoint, one_of
from app.domains.billing.facts import PERCENT_PLACES, TaxCategory
from app.domains.marketplace.catalog.models import BillingPeriod

NUMBER_PREFIX = "ORD-"
_NUMBER = re.compile(rf"{NUMBER_PREFIX}([0-9]{{6,18}})", re.ASCII)


class OrderState(StrEnum):
    """What became of an order."""

    PENDING = "pending"
    PAID = "paid"
    CANCELLED = "cancelled"  # was not paid
    REFUNDED = "refunded"  # was paid, and the money went back


class Provider(StrEnum):
    """Where money came from."""

    RECORDED = "recorded"  # somebody who operates the service noted it
    STRIPE = "stripe"


class Order(Base):
    """What somebody buys."""

    # "order" is a word of SQL.
    __tablename__ = "customer_order"
    __table_args__ = (
        one_of(OrderState, column="state"),
        UniqueConstraint("user_id", "key"),
        CheckConstraint("gross = net + tax", name="gross"),
        Index("ix_customer_order_paid_at", "paid_at"),
        Index("ix_customer_order_ended_at", "ended_at"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("account_user.id"))
    #: The buyer's name for it: the same again is the same order.
    key: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    net: Mapped[int] = mapped_column(BigInteger)
    tax: Mapped[int] = mapped_column(BigInteger)
    gross: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    #: When it was cancelled or refunded.
    ended_at: Mapped[datetime | None]

    @property
    def number(self) -> str:
        """What people call it."""
        return f"{NUMBER_PREFIX}{self.id:06}"


def id_in(number: str) -> int:
    """The id of the order that people call `number`; 0, which no order has, for what is no number."""
    found = _NUMBER.fullmatch(number)
    return int(found[1]) if found else 0


def sale_key(order_id: int) -> str:
    """What billing knows the order by."""
    return f"order:{order_id}"


class OrderLine(Base):
    """What is bought of one pricing tier, as that was when it was ordered."""

    __tablename__ = "customer_order_line"
    __table_args__ = (
        one_of(BillingPeriod, column="period"),
        one_of(TaxCategory, column="tax_category"),
        CheckConstraint("quantity > 0", name="quantity"),
    )

    order_id: Mapped[int] = mapped_column(ForeignKey("customer_order.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("software_model.id"), index=True)
    tier_id: Mapped[int] = mapped_column(ForeignKey("pricing_tier.id"))
    #: Title of the model and name of the tier.
    title: Mapped[str] = mapped_column(Text)
    tier: Mapped[str] = mapped_column(Text)
    period: Mapped[str] = mapped_column(Text)
    max_activations: Mapped[int]
    quantity: Mapped[int]
    #: Of one licence.
    amount: Mapped[int] = mapped_column(BigInteger)
    net: Mapped[int] = mapped_column(BigInteger)
    tax_category: Mapped[str] = mapped_column(Text)
    tax_percent: Mapped[Decimal] = mapped_column(FixedPoint(PERCENT_PLACES))
    tax_reason: Mapped[str | None] = mapped_column(Text)


class OrderPayment(Base):
    """Money that came for an order, or should go back: it is noted once by the provider's name for it."""

    __tablename__ = "order_payment"
    __table_args__ = (
        one_of(Provider, column="provider"),
        UniqueConstraint("provider", "provider_id"),
        CheckConstraint("amount > 0", name="amount"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("customer_order.id"), index=True)
    provider: Mapped[str] = mapped_column(Text)
    provider_id: Mapped[str] = mapped_column(Text)
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime]
    #: Why it did not pay the order, for a person who gives it back; None of the one that did.
    problem: Mapped[str | None] = mapped_column(Text)

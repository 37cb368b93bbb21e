"""The tables of pricing."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base
from app.domains.pricing.money import MONEY, PERCENT


class Product(Base):
    """Something that is sold, at `base_price` while no batch of it is discounted."""

    __tablename__ = "product"
    __table_args__ = (CheckConstraint("base_price > 0", name="base_price"),)

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    sku: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(Text)
    base_price: Mapped[Decimal] = mapped_column(MONEY)
    currency: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[datetime]


class InventoryBatch(Base):
    """Pieces of one product that expire on the same day; the day of `expiry_date` is the last to sell."""

    __tablename__ = "inventory_batch"
    __table_args__ = (CheckConstraint("quantity >= 0", name="quantity"),)

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    code: Mapped[str] = mapped_column(Text, unique=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"), index=True)
    quantity: Mapped[int]
    expiry_date: Mapped[date]
    received_on: Mapped[date | None]
    updated_at: Mapped[datetime]


class BatchDiscount(Base):
    """One price of one batch, from `valid_from` to `valid_to`; active while `valid_to` is null."""

    __tablename__ = "batch_discount"
    __table_args__ = (
        Index(
            "uq_batch_discount_active",
            "batch_id",
            unique=True,
            postgresql_where=text("valid_to IS NULL"),
            sqlite_where=text("valid_to IS NULL"),
        ),
        Index("ix_batch_discount_batch", "batch_id", "valid_from"),
        CheckConstraint("computed_price > 0", name="computed_price"),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="valid_to"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("inventory_batch.id"))
    discount_pct: Mapped[Decimal] = mapped_column(PERCENT)
    computed_price: Mapped[Decimal] = mapped_column(MONEY)
    #: Name of the rule that gave it.
    rule: Mapped[str] = mapped_column(Text)
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    #: Midnight after the expiry date: from then on the base price holds, closed or not.
    expires_at: Mapped[datetime]


class PriceHistory(Base):
    """A price that changed: of a batch, or of the product itself where `batch_id` is null."""

    __tablename__ = "price_history"
    __table_args__ = (
        Index("ix_price_history_batch", "batch_id", "id"),
        Index("ix_price_history_product", "product_id", "id"),
        Index(
            "ix_price_history_base",
            "product_id",
            "id",
            postgresql_where=text("batch_id IS NULL"),
            sqlite_where=text("batch_id IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("inventory_batch.id"))
    price: Mapped[Decimal] = mapped_column(MONEY)
    #: Name of the rule, or "base price".
    reason: Mapped[str] = mapped_column(Text)
    recorded_at: Mapped[datetime]

"""pricing"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ACTIVE = sa.text("valid_to IS NULL")
BASE = sa.text("batch_id IS NULL")
ENDS_LATER = "valid_to IS NULL OR valid_to >= valid_from"


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)


def _reference(name: str, *, to: str, table: str, nullable: bool = False) -> sa.Column[int]:
    key = sa.ForeignKey(f"{to}.id", name=op.f(f"fk_{table}_{name}_{to}"))
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), key, nullable=nullable)


def _fixed_point(name: str, *, digits: int, scale: int) -> sa.Column[object]:
    kind = sa.Numeric(digits, scale).with_variant(sa.BigInteger(), "sqlite")
    return sa.Column(name, kind, nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    _create_product()
    _create_inventory_batch()
    _create_batch_discount()
    _create_price_history()


def _create_product() -> None:
    op.create_table(
        "product",
        _id(),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        _fixed_point("base_price", digits=12, scale=2),
        sa.Column("currency", sa.Text(), nullable=False),
        _time("updated_at"),
        sa.CheckConstraint("base_price > 0", name=op.f("ck_product_base_price")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("sku", name=op.f("uq_product_sku")),
    )


def _create_inventory_batch() -> None:
    op.create_table(
        "inventory_batch",
        _id(),
        sa.Column("code", sa.Text(), nullable=False),
        _reference("product_id", to="product", table="inventory_batch"),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("expiry_date", sa.Date(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=True),
        _time("updated_at"),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_inventory_batch_quantity")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inventory_batch")),
        sa.UniqueConstraint("code", name=op.f("uq_inventory_batch_code")),
    )
    op.create_index("ix_inventory_batch_product_id", "inventory_batch", ["product_id"])


def _create_batch_discount() -> None:
    op.create_table(
        "batch_discount",
        _id(),
        _reference("batch_id", to="inventory_batch", table="batch_discount"),
        _fixed_point("discount_pct", digits=7, scale=4),
        _fixed_point("computed_price", digits=12, scale=2),
        sa.Column("rule", sa.Text(), nullable=False),
        _time("valid_from"),
        _time("valid_to", nullable=True),
        _time("expires_at"),
        sa.CheckConstraint("computed_price > 0", name=op.f("ck_batch_discount_computed_price")),
        sa.CheckConstraint(ENDS_LATER, name=op.f("ck_batch_discount_valid_to")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch_discount")),
    )
    op.create_index(
        "uq_batch_discount_active",
        "batch_discount",
        ["batch_id"],
        unique=True,
        postgresql_where=ACTIVE,
        sqlite_where=ACTIVE,
    )
    op.create_index("ix_batch_discount_batch", "batch_discount", ["batch_id", "valid_from"])


def _create_price_history() -> None:
    op.create_table(
        "price_history",
        _id(),
        _reference("product_id", to="product", table="price_history"),
        _reference("batch_id", to="inventory_batch", table="price_history", nullable=True),
        _fixed_point("price", digits=12, scale=2),
        sa.Column("reason", sa.Text(), nullable=False),
        _time("recorded_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_history")),
    )
    op.create_index("ix_price_history_batch", "price_history", ["batch_id", "id"])
    op.create_index("ix_price_history_product", "price_history", ["product_id", "id"])
    op.create_index(
        "ix_price_history_base",
        "price_history",
        ["product_id", "id"],
        postgresql_where=BASE,
        sqlite_where=BASE,
    )


def downgrade() -> None:
    for table in ("price_history", "batch_discount", "inventory_batch", "product"):
        op.drop_table(table)

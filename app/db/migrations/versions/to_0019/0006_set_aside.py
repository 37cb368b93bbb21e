"""rows of banks that cannot be kept, and amounts with more decimals than usual"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def _id(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)


def upgrade() -> None:
    op.add_column("bank_transaction", sa.Column("scale", sa.Integer(), nullable=True))
    op.add_column("bank_account", sa.Column("scale", sa.Integer(), nullable=True))
    op.create_table(
        "bank_set_aside",
        _id("id"),
        _id("item_id"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("plaid_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("row", sa.Text(), nullable=False),
        sa.Column("missing_account", sa.Text(), nullable=True),
        sa.Column("set_aside_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('transaction', 'removal', 'account')", name=op.f("ck_bank_set_aside_kind")
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["plaid_item.id"], name=op.f("fk_bank_set_aside_item_id_plaid_item")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_set_aside")),
        sa.UniqueConstraint(
            "item_id", "kind", "plaid_id", name=op.f("uq_bank_set_aside_item_id_kind_plaid_id")
        ),
    )

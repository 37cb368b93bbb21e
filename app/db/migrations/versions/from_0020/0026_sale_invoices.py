"""sale invoices"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.migrations.columns import big, text, time

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.create_table(
        "sale_invoice",
        big("id"),
        big("tenant_id"),
        big("user_id"),
        text("key"),
        text("kind"),
        text("number"),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        text("reference"),
        text("currency"),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("net", "tax", "gross")),
        *(sa.Column(name, sa.Date(), nullable=False) for name in ("issued_on", "supplied_on")),
        *(sa.Column(name, sa.JSON(), nullable=False) for name in ("seller", "buyer", "lines")),
        time("created_at"),
        text("sha256"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("kind IN ('invoice', 'credit_note')", name=op.f("ck_sale_invoice_kind")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_sale_invoice_tenant_id_tenant")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["account_user.id"], name=op.f("fk_sale_invoice_user_id_account_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sale_invoice")),
        sa.UniqueConstraint("key", "kind", name=op.f("uq_sale_invoice_key_kind")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("uq_sale_invoice_tenant_id_number")),
        sa.UniqueConstraint(
            "tenant_id", "year", "sequence", name=op.f("uq_sale_invoice_tenant_id_year_sequence")
        ),
    )
    op.create_index(op.f("ix_sale_invoice_user_id"), "sale_invoice", ["user_id"])


def downgrade() -> None:
    op.drop_table("sale_invoice")

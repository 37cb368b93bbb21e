"""invoices"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.migrations.columns import big, text, time

revision = "0022"
down_revision = "0021"

_CHARGED = sa.text("kind = 'invoice' AND state NOT IN ('credited', 'canceled')")


def upgrade() -> None:
    op.create_table(
        "invoice_counter",
        big("tenant_id"),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenant.id"], name=op.f("fk_invoice_counter_tenant_id_tenant")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "year", name=op.f("pk_invoice_counter")),
    )
    op.create_table(
        "invoice",
        big("id"),
        big("tenant_id"),
        big("client_id"),
        big("project_id", nullable=True),
        text("kind"),
        big("credits_id", nullable=True),
        text("state"),
        text("period"),
        text("number"),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        text("currency"),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("paid", sa.BigInteger(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("seller", sa.JSON(), nullable=False),
        sa.Column("buyer", sa.JSON(), nullable=False),
        time("created_at"),
        time("mailing_since", nullable=True),
        sa.Column("refused_mails", sa.Integer(), nullable=False),
        time("sent_at", nullable=True),
        sa.Column("reminded_lead", sa.Integer(), nullable=True),
        sa.Column("overdue_told", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('invoice', 'credit_note')", name=op.f("ck_invoice_kind")),
        sa.CheckConstraint(
            "state IN ('draft', 'sent', 'partial', 'overdue', 'paid', 'credited', 'canceled')",
            name=op.f("ck_invoice_state"),
        ),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_invoice_client_id_client")),
        sa.ForeignKeyConstraint(["credits_id"], ["invoice.id"], name=op.f("fk_invoice_credits_id_invoice")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_invoice_project_id_project")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_invoice_tenant_id_tenant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("credits_id", name=op.f("uq_invoice_credits_id")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("uq_invoice_tenant_id_number")),
        sa.UniqueConstraint("tenant_id", "year", "sequence", name=op.f("uq_invoice_tenant_id_year_sequence")),
    )
    op.create_index(op.f("ix_invoice_client_id"), "invoice", ["client_id"])
    op.create_index("ix_invoice_state", "invoice", ["state", "due_on"])
    op.create_index(
        "uq_invoice_charged",
        "invoice",
        ["client_id", sa.text("coalesce(project_id, 0)"), "currency", "period"],
        unique=True,
        postgresql_where=_CHARGED,
        sqlite_where=_CHARGED,
    )
    op.create_table(
        "invoice_line",
        big("invoice_id"),
        sa.Column("position", sa.Integer(), nullable=False),
        text("kind"),
        big("rule_id"),
        sa.Column("rule", sa.JSON(), nullable=False),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        text("rate", nullable=True),
        sa.Column("net", sa.BigInteger(), nullable=False),
        text("tax_category"),
        sa.Column("tax_percent", sa.BigInteger(), nullable=False),
        text("tax_reason", nullable=True),
        sa.CheckConstraint(
            "kind IN ('fee', 'time', 'overtime', 'capped')", name=op.f("ck_invoice_line_kind")
        ),
        sa.CheckConstraint(
            "tax_category IN ('S', 'Z', 'E', 'AE')", name=op.f("ck_invoice_line_tax_category")
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_line_invoice_id_invoice")
        ),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["billing_rule.id"], name=op.f("fk_invoice_line_rule_id_billing_rule")
        ),
        sa.PrimaryKeyConstraint("invoice_id", "position", name=op.f("pk_invoice_line")),
    )
    op.create_table(
        "invoice_tax",
        big("invoice_id"),
        sa.Column("position", sa.Integer(), nullable=False),
        text("category"),
        sa.Column("percent", sa.BigInteger(), nullable=False),
        text("reason", nullable=True),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("category IN ('S', 'Z', 'E', 'AE')", name=op.f("ck_invoice_tax_category")),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_tax_invoice_id_invoice")
        ),
        sa.PrimaryKeyConstraint("invoice_id", "position", name=op.f("pk_invoice_tax")),
    )
    op.create_table(
        "invoice_line_entry",
        big("invoice_id"),
        sa.Column("position", sa.Integer(), nullable=False),
        big("entry_id"),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["time_entry.id"], name=op.f("fk_invoice_line_entry_entry_id_time_entry")
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id", "position"],
            ["invoice_line.invoice_id", "invoice_line.position"],
            name=op.f("fk_invoice_line_entry_invoice_id_position_invoice_line"),
        ),
        sa.PrimaryKeyConstraint("invoice_id", "position", "entry_id", name=op.f("pk_invoice_line_entry")),
    )
    op.create_index(op.f("ix_invoice_line_entry_entry_id"), "invoice_line_entry", ["entry_id"])
    op.create_table(
        "unused_hours",
        big("rule_id"),
        text("after"),
        text("period"),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["billing_rule.id"], name=op.f("fk_unused_hours_rule_id_billing_rule")
        ),
        sa.PrimaryKeyConstraint("rule_id", "after", "period", name=op.f("pk_unused_hours")),
    )
    op.create_table(
        "invoice_document",
        big("invoice_id"),
        text("layout"),
        text("sha256"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        time("rendered_at"),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_document_invoice_id_invoice")
        ),
        sa.PrimaryKeyConstraint("invoice_id", name=op.f("pk_invoice_document")),
    )
    op.create_table(
        "invoice_payment",
        big("id"),
        big("invoice_id"),
        text("key"),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        time("created_at"),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_payment_invoice_id_invoice")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_payment")),
        sa.UniqueConstraint("invoice_id", "key", name=op.f("uq_invoice_payment_invoice_id_key")),
    )

"""tenants, clients, projects and billing rules"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.migrations.columns import big, text, time

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_table(
        "tenant",
        big("id"),
        text("name"),
        text("address"),
        text("country"),
        text("email"),
        text("tax_number", nullable=True),
        text("iban", nullable=True),
        text("timezone"),
        text("layout"),
        text("number_prefix"),
        sa.Column("is_numbered_by_year", sa.Boolean(), nullable=False),
        time("created_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant")),
    )
    op.create_table(
        "tenant_member",
        big("tenant_id"),
        big("user_id"),
        text("role"),
        sa.CheckConstraint("role IN ('admin', 'member')", name=op.f("ck_tenant_member_role")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_tenant_member_tenant_id_tenant")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["account_user.id"], name=op.f("fk_tenant_member_user_id_account_user")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "user_id", name=op.f("pk_tenant_member")),
    )
    op.create_index(op.f("ix_tenant_member_user_id"), "tenant_member", ["user_id"])
    op.create_table(
        "client",
        big("id"),
        big("tenant_id"),
        text("name"),
        text("email"),
        text("address"),
        text("country"),
        text("tax_number", nullable=True),
        text("timezone"),
        sa.Column("payment_days", sa.Integer(), nullable=False),
        time("created_at"),
        time("ended_at", nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_client_tenant_id_tenant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_client_tenant_id_name")),
    )
    op.create_table(
        "project",
        big("id"),
        big("client_id"),
        text("name"),
        sa.Column("is_billable", sa.Boolean(), nullable=False),
        time("created_at"),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_project_client_id_client")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project")),
        sa.UniqueConstraint("client_id", "name", name=op.f("uq_project_client_id_name")),
    )
    op.create_table(
        "billing_rule",
        big("id"),
        big("client_id"),
        big("project_id", nullable=True),
        text("kind"),
        text("currency"),
        sa.Column("rate", sa.BigInteger(), nullable=True),
        sa.Column("fee", sa.BigInteger(), nullable=True),
        sa.Column("included_hours", sa.BigInteger(), nullable=True),
        sa.Column("carry_periods", sa.Integer(), nullable=False),
        sa.Column("cap_hours", sa.BigInteger(), nullable=True),
        sa.Column("overtime_threshold_hours", sa.BigInteger(), nullable=True),
        sa.Column("overtime_multiplier", sa.BigInteger(), nullable=True),
        sa.Column("rounding_minutes", sa.Integer(), nullable=False),
        text("rounding_direction"),
        text("tax_category"),
        sa.Column("tax_percent", sa.BigInteger(), nullable=False),
        text("tax_reason", nullable=True),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("effective_to", sa.Date(), nullable=True),
        sa.CheckConstraint("(fee IS NOT NULL) = (kind <> 'hourly')", name=op.f("ck_billing_rule_fee")),
        sa.CheckConstraint(
            "(included_hours IS NOT NULL) = (kind = 'retainer')", name=op.f("ck_billing_rule_included_hours")
        ),
        sa.CheckConstraint("(rate IS NOT NULL) = (kind <> 'fixed')", name=op.f("ck_billing_rule_rate")),
        sa.CheckConstraint("kind IN ('hourly', 'fixed', 'retainer')", name=op.f("ck_billing_rule_kind")),
        sa.CheckConstraint(
            "rounding_direction IN ('up', 'nearest', 'down')", name=op.f("ck_billing_rule_rounding_direction")
        ),
        sa.CheckConstraint(
            "tax_category IN ('S', 'Z', 'E', 'AE')", name=op.f("ck_billing_rule_tax_category")
        ),
        sa.CheckConstraint(
            "(overtime_threshold_hours IS NULL) = (overtime_multiplier IS NULL)",
            name=op.f("ck_billing_rule_overtime"),
        ),
        sa.CheckConstraint("effective_to >= effective_from", name=op.f("ck_billing_rule_effective")),
        sa.ForeignKeyConstraint(["client_id"], ["client.id"], name=op.f("fk_billing_rule_client_id_client")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_billing_rule_project_id_project")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_rule")),
    )
    op.create_index(op.f("ix_billing_rule_client_id"), "billing_rule", ["client_id"])

"""banking and notifications"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def _id(name: str = "id") -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    _create_household()
    _create_plaid_webhook()
    _create_bill()
    _create_category()
    _create_household_member()
    _create_notification()
    _create_plaid_item()
    _create_push_endpoint()
    _create_bank_account()
    _create_budget()
    _create_notification_delivery()
    _create_bank_transaction()


def _create_household() -> None:
    op.create_table(
        "household",
        _id(),
        _text("name"),
        _text("currency"),
        _time("created_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_household")),
    )


def _create_plaid_webhook() -> None:
    op.create_table(
        "plaid_webhook",
        _id(),
        _text("digest"),
        _text("type"),
        _text("code"),
        _text("item_id", nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        _time("received_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plaid_webhook")),
        sa.UniqueConstraint("digest", name=op.f("uq_plaid_webhook_digest")),
    )


def _create_bill() -> None:
    op.create_table(
        "bill",
        _id(),
        _id("household_id"),
        _text("name"),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        _text("currency"),
        _text("rule"),
        sa.Column("due_day", sa.Integer(), nullable=False),
        sa.Column("next_due", sa.Date(), nullable=True),
        sa.Column("autopay", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "rule IN ('once', 'weekly', 'monthly', 'quarterly', 'yearly')", name=op.f("ck_bill_rule")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_bill_amount")),
        sa.ForeignKeyConstraint(
            ["household_id"], ["household.id"], name=op.f("fk_bill_household_id_household")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bill")),
    )
    op.create_index("ix_bill_due", "bill", ["next_due"])
    op.create_index("ix_bill_household_id", "bill", ["household_id"])


def _create_category() -> None:
    op.create_table(
        "category",
        _id(),
        _id("household_id"),
        sa.Column("parent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        _text("name"),
        _text("plaid_category", nullable=True),
        sa.ForeignKeyConstraint(
            ["household_id"], ["household.id"], name=op.f("fk_category_household_id_household")
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["category.id"], name=op.f("fk_category_parent_id_category")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category")),
        sa.UniqueConstraint("household_id", "name", name=op.f("uq_category_household_id_name")),
        sa.UniqueConstraint(
            "household_id", "plaid_category", name=op.f("uq_category_household_id_plaid_category")
        ),
    )


def _create_household_member() -> None:
    op.create_table(
        "household_member",
        _id("household_id"),
        _id("user_id"),
        _text("role"),
        sa.CheckConstraint("role IN ('admin', 'member')", name=op.f("ck_household_member_role")),
        sa.ForeignKeyConstraint(
            ["household_id"], ["household.id"], name=op.f("fk_household_member_household_id_household")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["account_user.id"], name=op.f("fk_household_member_user_id_account_user")
        ),
        sa.PrimaryKeyConstraint("household_id", "user_id", name=op.f("pk_household_member")),
    )
    op.create_index("ix_household_member_user_id", "household_member", ["user_id"])


def _create_notification() -> None:
    op.create_table(
        "notification",
        _id(),
        _text("key"),
        _id("user_id"),
        _text("type"),
        _text("title"),
        _text("body"),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("in_inbox", sa.Boolean(), nullable=False),
        _time("created_at"),
        _time("read_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["account_user.id"], name=op.f("fk_notification_user_id_account_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification")),
        sa.UniqueConstraint("key", name=op.f("uq_notification_key")),
    )
    op.create_index(
        "ix_notification_unread",
        "notification",
        ["user_id"],
        unique=False,
        postgresql_where=sa.text("in_inbox AND read_at IS NULL"),
        sqlite_where=sa.text("in_inbox AND read_at IS NULL"),
    )
    op.create_index("ix_notification_user", "notification", ["user_id", "id"])


def _create_plaid_item() -> None:
    op.create_table(
        "plaid_item",
        _id(),
        _id("household_id"),
        _text("item_id"),
        _text("access_token"),
        _text("institution"),
        _text("cursor", nullable=True),
        sa.Column("syncs", sa.Integer(), nullable=False),
        _text("sync_job_id", nullable=True),
        _text("status"),
        sa.Column("repairs", sa.Integer(), nullable=False),
        _text("error", nullable=True),
        _time("synced_at", nullable=True),
        _time("created_at"),
        sa.CheckConstraint(
            "status IN ('active', 'login_required', 'expiring', 'revoked', 'error')",
            name=op.f("ck_plaid_item_status"),
        ),
        sa.ForeignKeyConstraint(
            ["household_id"], ["household.id"], name=op.f("fk_plaid_item_household_id_household")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plaid_item")),
        sa.UniqueConstraint("item_id", name=op.f("uq_plaid_item_item_id")),
    )
    op.create_index("ix_plaid_item_household_id", "plaid_item", ["household_id"])


def _create_push_endpoint() -> None:
    op.create_table(
        "push_endpoint",
        _id(),
        _id("user_id"),
        _text("platform"),
        _text("address"),
        _time("created_at"),
        _time("disabled_at", nullable=True),
        sa.CheckConstraint("platform IN ('sns', 'fcm')", name=op.f("ck_push_endpoint_platform")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["account_user.id"], name=op.f("fk_push_endpoint_user_id_account_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_endpoint")),
        sa.UniqueConstraint("address", name=op.f("uq_push_endpoint_address")),
    )
    op.create_index("ix_push_endpoint_user_id", "push_endpoint", ["user_id"])


def _create_bank_account() -> None:
    op.create_table(
        "bank_account",
        _id(),
        _id("item_id"),
        _text("plaid_account_id"),
        _text("name"),
        _text("mask", nullable=True),
        _text("type"),
        _text("subtype", nullable=True),
        _text("currency"),
        sa.Column("current_balance", sa.BigInteger(), nullable=True),
        sa.Column("available_balance", sa.BigInteger(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("include_in_budget", sa.Boolean(), nullable=False),
        _time("synced_at", nullable=True),
        _text("sync_error", nullable=True),
        sa.ForeignKeyConstraint(
            ["item_id"], ["plaid_item.id"], name=op.f("fk_bank_account_item_id_plaid_item")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_account")),
        sa.UniqueConstraint("plaid_account_id", name=op.f("uq_bank_account_plaid_account_id")),
    )
    op.create_index("ix_bank_account_item_id", "bank_account", ["item_id"])


def _create_budget() -> None:
    op.create_table(
        "budget",
        _id(),
        _id("household_id"),
        _id("category_id"),
        _text("period"),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        _text("currency"),
        sa.Column("thresholds", sa.JSON(), nullable=False),
        sa.Column("include_pending", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("period IN ('week', 'month', 'year')", name=op.f("ck_budget_period")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_budget_amount")),
        sa.ForeignKeyConstraint(
            ["category_id"], ["category.id"], name=op.f("fk_budget_category_id_category")
        ),
        sa.ForeignKeyConstraint(
            ["household_id"], ["household.id"], name=op.f("fk_budget_household_id_household")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget")),
        sa.UniqueConstraint(
            "household_id", "category_id", "period", name=op.f("uq_budget_household_id_category_id_period")
        ),
    )


def _create_notification_delivery() -> None:
    op.create_table(
        "notification_delivery",
        _id(),
        _id("notification_id"),
        _text("channel"),
        _text("state"),
        _text("reason", nullable=True),
        _time("not_before", nullable=True),
        _time("changed_at"),
        sa.CheckConstraint(
            "channel IN ('email', 'push', 'in_app')", name=op.f("ck_notification_delivery_channel")
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'sent', 'skipped', 'failed', 'uncertain')",
            name=op.f("ck_notification_delivery_state"),
        ),
        sa.ForeignKeyConstraint(
            ["notification_id"],
            ["notification.id"],
            name=op.f("fk_notification_delivery_notification_id_notification"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_delivery")),
        sa.UniqueConstraint(
            "notification_id", "channel", name=op.f("uq_notification_delivery_notification_id_channel")
        ),
    )


def _create_bank_transaction() -> None:
    op.create_table(
        "bank_transaction",
        _id(),
        _id("account_id"),
        _text("plaid_transaction_id"),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        _text("currency"),
        sa.Column("posted_on", sa.Date(), nullable=False),
        sa.Column("authorized_on", sa.Date(), nullable=True),
        _text("name"),
        _text("merchant", nullable=True),
        sa.Column("pending", sa.Boolean(), nullable=False),
        _text("pending_transaction_id", nullable=True),
        _text("plaid_category", nullable=True),
        sa.Column("category_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["bank_account.id"], name=op.f("fk_bank_transaction_account_id_bank_account")
        ),
        sa.ForeignKeyConstraint(
            ["category_id"], ["category.id"], name=op.f("fk_bank_transaction_category_id_category")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_transaction")),
        sa.UniqueConstraint("plaid_transaction_id", name=op.f("uq_bank_transaction_plaid_transaction_id")),
    )
    op.create_index("ix_bank_transaction_account", "bank_transaction", ["account_id", "posted_on"])
    op.create_index("ix_bank_transaction_category", "bank_transaction", ["category_id", "posted_on"])


def downgrade() -> None:
    for table in (
        "bank_transaction",
        "notification_delivery",
        "budget",
        "bank_account",
        "push_endpoint",
        "plaid_item",
        "notification",
        "household_member",
        "category",
        "bill",
        "plaid_webhook",
        "household",
    ):
        op.drop_table(table)

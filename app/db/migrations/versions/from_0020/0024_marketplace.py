"""the marketplace"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.migrations.columns import big, text, time

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    _create_catalog()
    _create_orders()
    _create_licences()
    _create_usage()


def _create_catalog() -> None:
    op.create_table(
        "software_model",
        big("id"),
        text("slug"),
        text("title"),
        text("description"),
        text("kind"),
        text("framework"),
        text("licence_type"),
        text("state"),
        time("created_at"),
        time("published_at", nullable=True),
        sa.CheckConstraint(
            "state IN ('draft', 'published', 'withdrawn')", name=op.f("ck_software_model_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_software_model")),
        sa.UniqueConstraint("slug", name=op.f("uq_software_model_slug")),
    )
    op.create_table(
        "model_version",
        big("id"),
        big("model_id"),
        text("version"),
        text("notes"),
        text("file_key", nullable=True),
        sa.Column("file_size", sa.BigInteger(), nullable=True),
        text("file_sha256", nullable=True),
        text("image", nullable=True),
        text("image_digest", nullable=True),
        text("push_state"),
        text("scan_state"),
        sa.Column("critical", sa.Integer(), nullable=False),
        sa.Column("high", sa.Integer(), nullable=False),
        sa.Column("medium", sa.Integer(), nullable=False),
        sa.Column("low", sa.Integer(), nullable=False),
        time("scanned_at", nullable=True),
        time("created_at"),
        time("published_at", nullable=True),
        sa.CheckConstraint(
            "(file_key IS NULL) = (file_size IS NULL) AND (file_key IS NULL) = (file_sha256 IS NULL)",
            name=op.f("ck_model_version_file"),
        ),
        sa.CheckConstraint(
            "push_state IN ('none', 'pushing', 'pushed', 'failed')", name=op.f("ck_model_version_push_state")
        ),
        sa.CheckConstraint(
            "scan_state IN ('none', 'scanning', 'passed', 'blocked', 'failed')",
            name=op.f("ck_model_version_scan_state"),
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["software_model.id"], name=op.f("fk_model_version_model_id_software_model")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_version")),
        sa.UniqueConstraint("model_id", "version", name=op.f("uq_model_version_model_id_version")),
    )
    op.create_table(
        "model_media",
        big("id"),
        big("model_id"),
        text("kind"),
        text("media_type"),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        text("storage_key"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        text("sha256"),
        time("created_at"),
        sa.CheckConstraint("kind IN ('thumbnail', 'screenshot')", name=op.f("ck_model_media_kind")),
        sa.ForeignKeyConstraint(
            ["model_id"], ["software_model.id"], name=op.f("fk_model_media_model_id_software_model")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_media")),
        sa.UniqueConstraint(
            "model_id",
            "kind",
            "media_type",
            "width",
            name=op.f("uq_model_media_model_id_kind_media_type_width"),
        ),
    )
    op.create_table(
        "pricing_tier",
        big("id"),
        big("model_id"),
        text("name"),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        text("currency"),
        text("period"),
        text("tax_category"),
        sa.Column("tax_percent", sa.BigInteger(), nullable=False),
        text("tax_reason", nullable=True),
        sa.Column("max_activations", sa.Integer(), nullable=False),
        time("created_at"),
        time("ended_at", nullable=True),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_pricing_tier_amount")),
        sa.CheckConstraint("max_activations > 0", name=op.f("ck_pricing_tier_max_activations")),
        sa.CheckConstraint("period IN ('once', 'monthly', 'yearly')", name=op.f("ck_pricing_tier_period")),
        sa.CheckConstraint(
            "tax_category IN ('S', 'Z', 'E', 'AE')", name=op.f("ck_pricing_tier_tax_category")
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["software_model.id"], name=op.f("fk_pricing_tier_model_id_software_model")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pricing_tier")),
        sa.UniqueConstraint("model_id", "name", name=op.f("uq_pricing_tier_model_id_name")),
    )


def _create_orders() -> None:
    op.create_table(
        "customer_order",
        big("id"),
        big("user_id"),
        text("key"),
        text("state"),
        text("currency"),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        time("created_at"),
        time("paid_at", nullable=True),
        time("ended_at", nullable=True),
        sa.CheckConstraint("gross = net + tax", name=op.f("ck_customer_order_gross")),
        sa.CheckConstraint(
            "state IN ('pending', 'paid', 'cancelled', 'refunded')", name=op.f("ck_customer_order_state")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["account_user.id"], name=op.f("fk_customer_order_user_id_account_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_order")),
        sa.UniqueConstraint("user_id", "key", name=op.f("uq_customer_order_user_id_key")),
    )
    op.create_index("ix_customer_order_paid_at", "customer_order", ["paid_at"])
    op.create_table(
        "customer_order_line",
        big("order_id"),
        sa.Column("position", sa.Integer(), nullable=False),
        big("model_id"),
        big("tier_id"),
        text("title"),
        text("tier"),
        text("period"),
        sa.Column("max_activations", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        text("tax_category"),
        sa.Column("tax_percent", sa.BigInteger(), nullable=False),
        text("tax_reason", nullable=True),
        sa.CheckConstraint(
            "period IN ('once', 'monthly', 'yearly')", name=op.f("ck_customer_order_line_period")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_customer_order_line_quantity")),
        sa.CheckConstraint(
            "tax_category IN ('S', 'Z', 'E', 'AE')", name=op.f("ck_customer_order_line_tax_category")
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["software_model.id"], name=op.f("fk_customer_order_line_model_id_software_model")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["customer_order.id"], name=op.f("fk_customer_order_line_order_id_customer_order")
        ),
        sa.ForeignKeyConstraint(
            ["tier_id"], ["pricing_tier.id"], name=op.f("fk_customer_order_line_tier_id_pricing_tier")
        ),
        sa.PrimaryKeyConstraint("order_id", "position", name=op.f("pk_customer_order_line")),
    )
    op.create_index("ix_customer_order_line_model_id", "customer_order_line", ["model_id"])
    op.create_table(
        "order_payment",
        big("id"),
        big("order_id"),
        text("provider"),
        text("provider_id"),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        text("currency"),
        time("received_at"),
        text("problem", nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_order_payment_amount")),
        sa.CheckConstraint("provider IN ('recorded', 'stripe')", name=op.f("ck_order_payment_provider")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["customer_order.id"], name=op.f("fk_order_payment_order_id_customer_order")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_payment")),
        sa.UniqueConstraint("provider", "provider_id", name=op.f("uq_order_payment_provider_provider_id")),
    )
    op.create_index("ix_order_payment_order_id", "order_payment", ["order_id"])


def _create_licences() -> None:
    op.create_table(
        "licence",
        big("id"),
        big("order_id"),
        sa.Column("position", sa.Integer(), nullable=False),
        big("model_id"),
        big("user_id"),
        text("digest"),
        text("key"),
        sa.Column("max_activations", sa.Integer(), nullable=False),
        time("issued_at"),
        time("expires_at", nullable=True),
        time("revoked_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["model_id"], ["software_model.id"], name=op.f("fk_licence_model_id_software_model")
        ),
        sa.ForeignKeyConstraint(
            ["order_id", "position"],
            ["customer_order_line.order_id", "customer_order_line.position"],
            name=op.f("fk_licence_order_id_position_customer_order_line"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["account_user.id"], name=op.f("fk_licence_user_id_account_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence")),
        sa.UniqueConstraint("digest", name=op.f("uq_licence_digest")),
    )
    op.create_index("ix_licence_model_id", "licence", ["model_id"])
    op.create_index("ix_licence_order_id", "licence", ["order_id"])
    op.create_index("ix_licence_user_id", "licence", ["user_id"])
    op.create_table(
        "licence_activation",
        big("licence_id"),
        text("device"),
        time("activated_at"),
        sa.ForeignKeyConstraint(
            ["licence_id"], ["licence.id"], name=op.f("fk_licence_activation_licence_id_licence")
        ),
        sa.PrimaryKeyConstraint("licence_id", "device", name=op.f("pk_licence_activation")),
    )


def _create_usage() -> None:
    op.create_table(
        "stripe_event",
        text("id"),
        text("type"),
        text("outcome"),
        time("received_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_event")),
    )
    op.create_index("ix_stripe_event_received_at", "stripe_event", ["received_at"])
    op.create_table(
        "usage_event",
        text("id"),
        big("model_id"),
        text("kind"),
        time("happened_at"),
        time("received_at"),
        sa.CheckConstraint("kind IN ('view', 'download', 'purchase')", name=op.f("ck_usage_event_kind")),
        sa.ForeignKeyConstraint(
            ["model_id"], ["software_model.id"], name=op.f("fk_usage_event_model_id_software_model")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_event")),
    )
    op.create_index("ix_usage_event_received_at", "usage_event", ["received_at"])
    op.create_table(
        "usage_count",
        big("model_id"),
        text("kind"),
        text("span"),
        time("begins_at"),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('view', 'download', 'purchase')", name=op.f("ck_usage_count_kind")),
        sa.CheckConstraint("span IN ('hour', 'day')", name=op.f("ck_usage_count_span")),
        sa.ForeignKeyConstraint(
            ["model_id"], ["software_model.id"], name=op.f("fk_usage_count_model_id_software_model")
        ),
        sa.PrimaryKeyConstraint("model_id", "kind", "span", "begins_at", name=op.f("pk_usage_count")),
    )
    op.create_table(
        "sales_report",
        text("kind"),
        text("period"),
        text("media_type"),
        text("storage_key"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        text("sha256"),
        time("made_at"),
        sa.CheckConstraint("kind IN ('daily', 'monthly')", name=op.f("ck_sales_report_kind")),
        sa.PrimaryKeyConstraint("kind", "period", "media_type", name=op.f("pk_sales_report")),
    )

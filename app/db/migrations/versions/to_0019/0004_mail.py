"""users, deliveries and mail"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def _id(name: str = "id") -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    _create_account_user()
    _create_delivery()
    _create_pace()
    _create_mail_suppression()


def _create_account_user() -> None:
    op.create_table(
        "account_user",
        _id(),
        _text("email"),
        _text("email_key"),
        _text("name"),
        _text("timezone"),
        _text("locale"),
        sa.Column("preferences", sa.JSON(), nullable=False),
        _time("created_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_user")),
        sa.UniqueConstraint("email_key", name=op.f("uq_account_user_email_key")),
    )


def _create_delivery() -> None:
    op.create_table(
        "delivery",
        _id(),
        _text("key"),
        _text("channel"),
        _text("recipient"),
        _text("subject"),
        sa.Column("content", sa.JSON(), nullable=False),
        _text("state"),
        _text("provider", nullable=True),
        _text("provider_id", nullable=True),
        _text("error", nullable=True),
        _text("job_id", nullable=True),
        sa.Column("calls", sa.Integer(), nullable=False),
        _time("created_at"),
        _time("changed_at"),
        _time("sent_at", nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'failed', 'suppressed', 'uncertain')",
            name=op.f("ck_delivery_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("key", name=op.f("uq_delivery_key")),
    )
    op.create_index("ix_delivery_state", "delivery", ["state", "changed_at"])


def _create_pace() -> None:
    op.create_table(
        "pace", _text("name"), _time("next_at"), sa.PrimaryKeyConstraint("name", name=op.f("pk_pace"))
    )


def _create_mail_suppression() -> None:
    op.create_table(
        "mail_suppression",
        _text("address"),
        _text("reason"),
        _time("created_at"),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_mail_suppression")),
    )


def downgrade() -> None:
    for table in ("mail_suppression", "pace", "delivery", "account_user"):
        op.drop_table(table)

"""privacy"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.migrations.columns import big, text, time

revision = "0025"
down_revision = "0024"

WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    op.create_table(
        "data_export",
        big("id"),
        big("user_id"),
        text("format"),
        text("state"),
        text("requested_by"),
        time("requested_at"),
        text("passphrase", nullable=True),
        text("stored_as", nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        text("sha256", nullable=True),
        time("ready_at", nullable=True),
        time("expires_at", nullable=True),
        sa.CheckConstraint("format IN ('csv', 'json', 'pdf')", name=op.f("ck_data_export_format")),
        sa.CheckConstraint("state IN ('waiting', 'ready', 'purged')", name=op.f("ck_data_export_state")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["account_user.id"], name=op.f("fk_data_export_user_id_account_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_export")),
    )
    op.create_index(
        "uq_data_export_waiting",
        "data_export",
        ["user_id"],
        unique=True,
        postgresql_where=WAITING,
        sqlite_where=WAITING,
    )
    op.create_index("ix_data_export_user", "data_export", ["user_id", "id"])
    op.create_index("ix_data_export_expires_at", "data_export", ["expires_at"])
    op.create_table(
        "data_erasure",
        big("user_id"),
        text("requested_by"),
        time("requested_at"),
        time("severed_at", nullable=True),
        time("finished_at", nullable=True),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["account_user.id"], name=op.f("fk_data_erasure_user_id_account_user")
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_data_erasure")),
    )


def downgrade() -> None:
    op.drop_table("data_erasure")
    op.drop_table("data_export")

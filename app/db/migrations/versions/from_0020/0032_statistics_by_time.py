"""what has ended in each minute and hour"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.columns import UtcDateTime

revision = "0032"
down_revision = "0031"

TABLES = ("stat_minute", "stat_hour")


def upgrade() -> None:
    for table in TABLES:
        op.create_table(
            table,
            sa.Column("task", sa.Text(), nullable=False),
            sa.Column("queue", sa.Text(), nullable=False),
            sa.Column("begins_at", UtcDateTime(), nullable=False),
            sa.Column("jobs", sa.JSON(), nullable=False),
            sa.Column("attempts", sa.JSON(), nullable=False),
            sa.Column("run", sa.JSON(), nullable=False),
            sa.Column("wait", sa.JSON(), nullable=False),
            sa.Column("run_seconds", sa.Float(), nullable=False),
            sa.Column("wait_seconds", sa.Float(), nullable=False),
            sa.PrimaryKeyConstraint("task", "queue", "begins_at", name=f"pk_{table}"),
        )
        op.create_index(f"ix_{table}_begins_at", table, ["begins_at"])


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)

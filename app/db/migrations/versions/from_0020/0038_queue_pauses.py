"""queues that are paused"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.columns import UtcDateTime

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    op.create_table(
        "queue_pause",
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("paused_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("queue", name="pk_queue_pause"),
    )


def downgrade() -> None:
    op.drop_table("queue_pause")

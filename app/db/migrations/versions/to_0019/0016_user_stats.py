"""statistics of users"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_TIME = sa.DateTime(timezone=True)
_COUNTS = ("logins", "failed_logins", "operations", "notifications")


def upgrade() -> None:
    op.create_table(
        "user_stat",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("window_at", _TIME, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTS),
        sa.Column("last_seen_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_stat")),
        sa.UniqueConstraint("user_id", "window_at", name=op.f("uq_user_stat_user_id_window_at")),
    )
    op.create_index("ix_user_stat_window_at", "user_stat", ["window_at"])
    op.create_index("ix_notification_created_at", "notification", ["created_at"])

"""health checks"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "health_check",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        *(sa.Column(name, _TIME, nullable=False) for name in ("window_at", "checked_at")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "state", "sentence", "host")),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('ok', 'warning', 'problem', 'unknown')", name=op.f("ck_health_check_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_health_check")),
        sa.UniqueConstraint("window_at", "kind", name=op.f("uq_health_check_window_at_kind")),
    )
    op.create_index("ix_health_check_kind", "health_check", ["kind", "id"])

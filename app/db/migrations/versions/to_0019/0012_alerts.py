"""alerts"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "subject", "sentence")),
        sa.Column("fix", sa.Text(), nullable=True),
        sa.Column("opened_at", _TIME, nullable=False),
        *(sa.Column(name, _TIME, nullable=True) for name in ("well_since", "closed_at")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    is_open = sa.text("closed_at IS NULL")
    op.create_index(
        "uq_alert_open",
        "alert",
        ["kind", "subject"],
        unique=True,
        postgresql_where=is_open,
        sqlite_where=is_open,
    )
    op.create_index("ix_alert_closed_at", "alert", ["closed_at"])

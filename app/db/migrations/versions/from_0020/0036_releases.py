"""which release began to run when"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.columns import UtcDateTime

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.create_table(
        "release_start",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_release_start"),
        sa.UniqueConstraint("release", "began_at", name="uq_release_start_release_began_at"),
    )
    op.create_index("ix_release_start_began_at", "release_start", ["began_at"])


def downgrade() -> None:
    op.drop_table("release_start")

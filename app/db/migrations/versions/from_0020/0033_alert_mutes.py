"""alerts that are muted"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.columns import UtcDateTime

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.add_column("alert", sa.Column("untold", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "alert_mute",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("muted_by", sa.Text(), nullable=False),
        sa.Column("muted_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", name="pk_alert_mute"),
    )


def downgrade() -> None:
    op.drop_table("alert_mute")
    op.drop_column("alert", "untold")

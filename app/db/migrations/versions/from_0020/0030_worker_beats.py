"""how often a worker beats, and whether it has signed off"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    # Workers of the release before say nothing of it, and are known by their leases.
    op.add_column("worker", sa.Column("beat_seconds", sa.Float(), nullable=True))
    # They sign off by taking their row away.
    signed_off: sa.Column[bool] = sa.Column(
        "signed_off", sa.Boolean(), server_default=sa.false(), nullable=False
    )
    op.add_column("worker", signed_off)


def downgrade() -> None:
    with op.batch_alter_table("worker") as table:
        table.drop_column("signed_off")
        table.drop_column("beat_seconds")

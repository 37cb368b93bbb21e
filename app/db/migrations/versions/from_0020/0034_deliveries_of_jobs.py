"""which deliveries a job made"""

from __future__ import annotations

from alembic import op

revision = "0034"
down_revision = "0033"

NAME = "ix_delivery_job_id"


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        op.create_index(NAME, "delivery", ["job_id"])
        return
    # Mails go out meanwhile; one that was cut off leaves an index that is not valid.
    with op.get_context().autocommit_block():
        op.drop_index(NAME, "delivery", if_exists=True, postgresql_concurrently=True)
        op.create_index(NAME, "delivery", ["job_id"], postgresql_concurrently=True)


def downgrade() -> None:
    op.drop_index(NAME, "delivery")

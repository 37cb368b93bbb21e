"""what the ledger held from time to time, and how many cancelled jobs were deleted"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.columns import UtcDateTime

revision = "0037"
down_revision = "0036"

JOB_STAT = sa.table("job_stat", *map(sa.column, ("task", "queue", "kind", "bucket", "count", "seconds")))
JOB = sa.table("job", sa.column("state"), sa.column("finished_at"))


def upgrade() -> None:
    op.create_table(
        "sample",
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.Column("states", sa.JSON(), nullable=False),
        sa.Column("queues", sa.JSON(), nullable=False),
        sa.Column("ages", sa.JSON(), nullable=False),
        sa.Column("overdue", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("taken_at", name="pk_sample"),
    )
    _count_deleted()


def _count_deleted() -> None:
    """Those that the roll-up has counted and the ledger has no more."""
    connection = op.get_bind()
    is_cancelled = (JOB_STAT.c.kind == "finished") & (JOB_STAT.c.bucket == "cancelled")
    counted = connection.scalar(sa.select(sa.func.sum(JOB_STAT.c["count"])).where(is_cancelled)) or 0
    there = sa.select(sa.func.count()).select_from(JOB).where(sa.text("state = 'cancelled'"))
    deleted = int(counted) - (connection.scalar(there) or 0)
    if deleted > 0:
        row = {"task": "", "queue": "", "kind": "pruned", "bucket": "cancelled", "seconds": 0.0}
        connection.execute(sa.insert(JOB_STAT).values(**row, count=deleted))


def downgrade() -> None:
    op.drop_table("sample")
    op.execute(sa.delete(JOB_STAT).where(JOB_STAT.c.kind == "pruned"))

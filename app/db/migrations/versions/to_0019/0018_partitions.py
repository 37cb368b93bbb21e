"""partitions of limited tasks"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("job", sa.Column("partition", sa.Text(), nullable=True))
    op.add_column("attempt", sa.Column("partition", sa.Text(), nullable=True))
    waiting = sa.text("state = 'ready' AND published_at IS NULL AND partition IS NULL")
    op.create_index(
        "ix_job_waiting", "job", ["queue", "priority"], postgresql_where=waiting, sqlite_where=waiting
    )
    _create_index("ix_job_held", "state = 'ready' AND published_at IS NULL", "priority", "accepted_at")
    _create_index("ix_job_admitted", "state IN ('ready', 'running') AND published_at IS NOT NULL")
    _create_index("ix_job_started", "", "started_at")
    _create_index("ix_attempt_started", "", "started_at", table="attempt")


def _create_index(name: str, where: str, *columns: str, table: str = "job") -> None:
    condition = sa.text(" AND ".join(filter(None, ("partition IS NOT NULL", where))))
    op.create_index(name, table, ["partition", *columns], postgresql_where=condition, sqlite_where=condition)

"""indexes by which a ledger of millions of jobs keeps its pace, and how PostgreSQL clears up behind them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"

ENDED = "state IN ('done', 'dead', 'cancelled')"
WAITING = "state = 'ready' AND published_at IS NULL AND partition IS NULL"
#: By name: the columns, and which rows.
Indexes = dict[str, tuple[list[str], str]]
NEW: Indexes = {
    "ix_job_ready": (["queue", "priority", "published_at", "accepted_at", "task"], "state = 'ready'"),
    "ix_job_ended": (["state", "accepted_at"], ENDED),
    "ix_job_open": (["state", "accepted_at"], "state IN ('scheduled', 'ready', 'running')"),
    "ix_job_ended_task": (["task", "accepted_at"], ENDED),
    "ix_job_ended_queue": (["queue", "accepted_at"], ENDED),
    "ix_job_expires": (["expires_at"], "state IN ('scheduled', 'ready') AND expires_at IS NOT NULL"),
    "ix_job_waiting": (["queue", "priority", "accepted_at"], WAITING),
}
OLD: Indexes = {
    "ix_job_ready": (["queue", "priority", "published_at"], "state = 'ready'"),
    "ix_job_dead": (["accepted_at", "id"], "state = 'dead'"),
    "ix_job_waiting": (["queue", "priority"], WAITING),
}
#: A job leaves two old rows behind. A fifth of ten millions would have to be old before they are cleared up,
#: and until then each look into a partial index passes those of it.
AUTOVACUUM = {
    "autovacuum_vacuum_scale_factor": 0.02,
    "autovacuum_analyze_scale_factor": 0.02,
    "autovacuum_vacuum_insert_scale_factor": 0.05,
}


def upgrade() -> None:
    _exchange(OLD, for_=NEW)
    if _is_postgresql():
        given = ", ".join(f"{name} = {value}" for name, value in AUTOVACUUM.items())
        op.execute(f"ALTER TABLE job SET ({given})")


def downgrade() -> None:
    _exchange(NEW, for_=OLD)
    if _is_postgresql():
        op.execute(f"ALTER TABLE job RESET ({', '.join(AUTOVACUUM)})")


def _is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _exchange(old: Indexes, *, for_: Indexes) -> None:
    if not _is_postgresql():
        _replace(old, for_, concurrently=False)
        return
    # Making them takes a minute or more where they are needed, and jobs are accepted and done meanwhile.
    with op.get_context().autocommit_block():
        _replace(old, for_, concurrently=True)


def _replace(old: Indexes, new: Indexes, *, concurrently: bool) -> None:
    # One that was cut off leaves an index that is not valid.
    for name in {**old, **new}:
        op.drop_index(name, "job", if_exists=True, postgresql_concurrently=concurrently)
    for name, (columns, where) in new.items():
        condition = sa.text(where)
        op.create_index(
            name,
            "job",
            columns,
            postgresql_where=condition,
            sqlite_where=condition,
            postgresql_concurrently=concurrently,
        )

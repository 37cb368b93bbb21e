"""schedules that can be edited, and what came of their moments"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_TIME = sa.DateTime(timezone=True)
_ONE_RULE = (
    "(CASE WHEN cron IS NULL THEN 0 ELSE 1 END) + (CASE WHEN interval_seconds IS NULL THEN 0 ELSE 1 END)"
    " + (CASE WHEN once_at IS NULL THEN 0 ELSE 1 END) = 1"
)


def upgrade() -> None:
    op.create_table(
        "schedule",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("cron", sa.Text(), nullable=True),
        sa.Column("interval_seconds", sa.BigInteger(), nullable=True),
        sa.Column("once_at", _TIME, nullable=True),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=True),
        sa.Column("starts_at", _TIME, nullable=True),
        sa.Column("ends_at", _TIME, nullable=True),
        sa.Column("one_off", sa.Boolean(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("overlap", sa.Text(), nullable=False),
        sa.Column("misfire", sa.Text(), nullable=False),
        sa.Column("grace_seconds", sa.BigInteger(), nullable=True),
        sa.Column("jitter_seconds", sa.BigInteger(), nullable=False),
        sa.Column("success_within_seconds", sa.BigInteger(), nullable=True),
        sa.Column("default", sa.JSON(), nullable=True),
        sa.Column("edited", sa.Boolean(), nullable=False),
        sa.Column("gone_at", _TIME, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("seen_until", _TIME, nullable=False),
        sa.Column("next_at", _TIME, nullable=True),
        sa.Column("last_fire_at", _TIME, nullable=True),
        sa.Column("last_success_at", _TIME, nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("overdue_since", _TIME, nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("changed_at", _TIME, nullable=False),
        sa.CheckConstraint("overlap IN ('allow', 'skip', 'queue_one')", name=op.f("ck_schedule_overlap")),
        sa.CheckConstraint("misfire IN ('skip', 'once', 'all')", name=op.f("ck_schedule_misfire")),
        sa.CheckConstraint(_ONE_RULE, name=op.f("ck_schedule_one_rule")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_schedule")),
    )
    op.create_index("ix_schedule_next_at", "schedule", ["next_at"])
    op.create_table(
        "schedule_run",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("moment", _TIME, nullable=False),
        sa.Column("fired_at", _TIME, nullable=False),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("started_at", _TIME, nullable=True),
        sa.Column("finished_at", _TIME, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('done', 'dead', 'cancelled', 'missed', 'skipped', 'forgotten')",
            name=op.f("ck_schedule_run_outcome"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule_run")),
        sa.UniqueConstraint("schedule", "moment", name=op.f("uq_schedule_run_schedule_moment")),
    )
    op.create_index("ix_schedule_run_fired_at", "schedule_run", ["fired_at"])
    unfinished = sa.text("outcome IS NULL")
    op.create_index(
        "ix_schedule_run_unfinished",
        "schedule_run",
        ["job_id"],
        postgresql_where=unfinished,
        sqlite_where=unfinished,
    )

"""what is done to many jobs"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.columns import UtcDateTime

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    op.create_table(
        "bulk_act",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("chosen_by", sa.JSON(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("chosen_at", UtcDateTime(), nullable=False),
        sa.Column("jobs", sa.Integer(), nullable=False),
        sa.Column("has_more", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("pace_jobs", sa.Integer(), nullable=True),
        sa.Column("pace_seconds", sa.Integer(), nullable=True),
        sa.Column("begun_at", UtcDateTime(), nullable=True),
        sa.Column("step_job_id", sa.Text(), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("left_alone", sa.Integer(), nullable=False),
        sa.Column("stopped_by", sa.Text(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("act IN ('retry', 'cancel', 'discard')", name="ck_bulk_act_act"),
        sa.PrimaryKeyConstraint("id", name="pk_bulk_act"),
    )
    op.create_index("ix_bulk_act_chosen_at", "bulk_act", ["chosen_at"])
    op.create_table(
        "bulk_act_job",
        sa.Column("act_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["act_id"], ["bulk_act.id"], name="fk_bulk_act_job_act_id_bulk_act", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("act_id", "number", name="pk_bulk_act_job"),
    )
    op.create_index("ix_bulk_act_job_job_id", "bulk_act_job", ["job_id"])


def downgrade() -> None:
    op.drop_table("bulk_act_job")
    op.drop_table("bulk_act")

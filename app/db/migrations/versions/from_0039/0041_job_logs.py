"""what jobs have logged"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.migrations.columns import text

revision = "0041"
down_revision = "0040"

TABLE = "job_log"


def upgrade() -> None:
    op.create_table(
        TABLE,
        text("job_id"),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("lines", sa.JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["job.id"], name=op.f("fk_job_log_job_id_job"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "fence", "first", name=op.f("pk_job_log")),
    )


def downgrade() -> None:
    op.drop_table(TABLE)

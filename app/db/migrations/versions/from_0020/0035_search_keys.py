"""values of arguments by which jobs are found"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.migrations.columns import text, time

revision = "0035"
down_revision = "0034"

TABLE = "job_search_key"


def upgrade() -> None:
    op.create_table(
        TABLE,
        text("name"),
        text("value"),
        time("accepted_at"),
        text("job_id"),
        sa.ForeignKeyConstraint(
            ["job_id"], ["job.id"], name=op.f("fk_job_search_key_job_id_job"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("name", "value", "accepted_at", "job_id", name=op.f("pk_job_search_key")),
    )
    op.create_index("ix_job_search_key_job_id", TABLE, ["job_id"])


def downgrade() -> None:
    op.drop_table(TABLE)

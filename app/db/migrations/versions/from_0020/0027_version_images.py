"""version images"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.migrations.columns import big, text, time

revision = "0027"
down_revision = "0026"

SEVERITIES = "'critical', 'high', 'medium', 'low', 'informational', 'unknown'"


def upgrade() -> None:
    for column in (
        text("archive_key", nullable=True),
        sa.Column("archive_size", sa.BigInteger(), nullable=True),
        text("archive_sha256", nullable=True),
        text("push_job_id", nullable=True),
        text("scan_job_id", nullable=True),
        time("scan_started_at", nullable=True),
        text("scanner", nullable=True),
    ):
        op.add_column("model_version", column)
    op.create_table(
        "image_finding",
        big("id"),
        big("version_id"),
        text("severity"),
        text("weakness"),
        text("package"),
        text("installed"),
        text("fixed"),
        text("title"),
        sa.CheckConstraint(f"severity IN ({SEVERITIES})", name=op.f("ck_image_finding_severity")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["model_version.id"], name=op.f("fk_image_finding_version_id_model_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image_finding")),
    )
    op.create_index("ix_image_finding_version", "image_finding", ["version_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_image_finding_version", table_name="image_finding")
    op.drop_table("image_finding")
    for name in (
        "scanner",
        "scan_started_at",
        "scan_job_id",
        "push_job_id",
        "archive_sha256",
        "archive_size",
        "archive_key",
    ):
        op.drop_column("model_version", name)

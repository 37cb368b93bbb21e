"""pictures"""

from __future__ import annotations

from alembic import op

from app.db.migrations.columns import text

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.add_column("software_model", text("picture_key", nullable=True))


def downgrade() -> None:
    op.drop_column("software_model", "picture_key")

"""links that were sent by mail"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "mailed_link",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "purpose IN ('password_reset', 'registration', 'email_change')",
            name=op.f("ck_mailed_link_purpose"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["account_user.id"], name=op.f("fk_mailed_link_user_id_account_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailed_link")),
        sa.UniqueConstraint("digest", name=op.f("uq_mailed_link_digest")),
    )
    for column in ("user_id", "expires_at"):
        op.create_index(op.f(f"ix_mailed_link_{column}"), "mailed_link", [column])

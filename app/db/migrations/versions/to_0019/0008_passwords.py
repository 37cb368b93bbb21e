"""passwords and roles of users"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    # In an ALTER TABLE, SQLite takes a constraint of a column, and none of a table.
    role = sa.CheckConstraint("role IN ('viewer', 'operator', 'admin')", name=op.f("ck_account_user_role"))
    op.add_column("account_user", sa.Column("role", sa.Text(), role, nullable=True))
    op.add_column("account_user", sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "account_password",
        sa.Column(
            "user_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["account_user.id"], name=op.f("fk_account_password_user_id_account_user")
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_account_password")),
    )

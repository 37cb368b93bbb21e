"""turns that no job was admitted for, and answers of Plaid that syncs keep while they wait"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    # The table "pace", whose place "turn" takes, stays for the release before, which may serve again.
    big_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "turn",
        sa.Column("id", big_id, nullable=False),
        sa.Column("partition", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turn")),
    )
    op.create_index("ix_turn_taken", "turn", ["partition", "taken_at"])
    op.create_table(
        "plaid_answer",
        sa.Column("item_id", big_id, nullable=False),
        sa.Column("job_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["plaid_item.id"],
            name=op.f("fk_plaid_answer_item_id_plaid_item"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("item_id", "job_id", "number", name=op.f("pk_plaid_answer")),
    )

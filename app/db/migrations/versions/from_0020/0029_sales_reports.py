"""what reports of sales are looked up by"""

from __future__ import annotations

from alembic import op

revision = "0029"
down_revision = "0028"

#: By table, the moments by which rows are counted.
MOMENTS = {
    "account_user": ["created_at"],
    "customer_order": ["ended_at"],
    "licence": ["issued_at"],
    "model_version": ["published_at"],
    "software_model": ["created_at", "published_at"],
}


def upgrade() -> None:
    for table, columns in MOMENTS.items():
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, [column])
    op.create_index("ix_usage_count_begins_at", "usage_count", ["span", "begins_at"])


def downgrade() -> None:
    op.drop_index("ix_usage_count_begins_at", "usage_count")
    for table, columns in MOMENTS.items():
        for column in columns:
            op.drop_index(f"ix_{table}_{column}", table)

"""the operation log and the login log"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

OPERATIONS, LOGINS = "operation_log", "login_log"


def upgrade() -> None:
    op.create_table(
        OPERATIONS,
        *_seen(),
        sa.Column("token_id", sa.Text()),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("route", sa.Text()),
        sa.Column("title", sa.Text()),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text()),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{OPERATIONS}")),
    )
    for name in ("user_name", "user_id", "method", "route", "status", "code", "address", "trace_id"):
        op.create_index(f"ix_{OPERATIONS}_{name}", OPERATIONS, [name, "id"])
    op.create_index(
        f"ix_{OPERATIONS}_path", OPERATIONS, ["path"], postgresql_ops={"path": "text_pattern_ops"}
    )
    op.create_table(
        LOGINS,
        *_seen(),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.CheckConstraint("status IN ('success', 'failure')", name=op.f(f"ck_{LOGINS}_status")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{LOGINS}")),
    )
    for name in ("user_name", "user_id", "status", "address", "trace_id"):
        op.create_index(f"ix_{LOGINS}_{name}", LOGINS, [name, "id"])


def _seen() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trace_id", sa.Text()),
        sa.Column("user_id", sa.BigInteger()),
        *(sa.Column(name, sa.Text()) for name in ("user_name", "address", "user_agent")),
        *(sa.Column(name, sa.Text()) for name in ("browser", "os", "device")),
    ]

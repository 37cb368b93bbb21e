"""sessions of those who signed in, and failed attempts"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def _id(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "sign_in_session",
        sa.Column("id", sa.Text(), nullable=False),
        _id("user_id"),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        _time("started_at"),
        _time("expires_at"),
        _time("ended_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["account_user.id"], name=op.f("fk_sign_in_session_user_id_account_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_session")),
        sa.UniqueConstraint("digest", name=op.f("uq_sign_in_session_digest")),
    )
    for column in ("user_id", "expires_at", "ended_at"):
        op.create_index(op.f(f"ix_sign_in_session_{column}"), "sign_in_session", [column])
    op.create_table(
        "refresh_token",
        _id("id"),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        _time("used_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sign_in_session.id"], name=op.f("fk_refresh_token_session_id_sign_in_session")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refresh_token")),
        sa.UniqueConstraint("digest", name=op.f("uq_refresh_token_digest")),
    )
    op.create_index(op.f("ix_refresh_token_session_id"), "refresh_token", ["session_id"])
    op.create_table(
        "sign_in_attempts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        _time("paused_until"),
        _time("last_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempts")),
    )
    op.create_index(op.f("ix_sign_in_attempts_last_at"), "sign_in_attempts", ["last_at"])

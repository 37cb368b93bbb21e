"""integrations"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.migrations.columns import big, text, time

revision = "0023"
down_revision = "0022"

PROVIDERS = "provider IN ('google', 'outlook', 'slack')"


def upgrade() -> None:
    op.create_table(
        "integration",
        big("id"),
        big("user_id"),
        text("provider"),
        text("account_id"),
        text("account_name"),
        text("team_id", nullable=True),
        text("access_token"),
        text("refresh_token", nullable=True),
        time("expires_at", nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        time("refreshing_until", nullable=True),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        text("health"),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        text("error", nullable=True),
        time("checked_at", nullable=True),
        text("sync_token", nullable=True),
        sa.Column("readings", sa.Integer(), nullable=False),
        time("synced_at", nullable=True),
        time("created_at"),
        sa.CheckConstraint(PROVIDERS, name=op.f("ck_integration_provider")),
        sa.CheckConstraint("health IN ('healthy', 'degraded', 'broken')", name=op.f("ck_integration_health")),
        _to_user("integration"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_integration")),
        sa.UniqueConstraint(
            "user_id", "provider", "account_id", name=op.f("uq_integration_user_id_provider_account_id")
        ),
    )
    op.create_index("ix_integration_team", "integration", ["provider", "team_id"])
    _create_event_table()
    op.create_table(
        "oauth_state",
        text("id"),
        big("user_id"),
        text("provider"),
        text("verifier"),
        time("expires_at"),
        sa.CheckConstraint(PROVIDERS, name=op.f("ck_oauth_state_provider")),
        _to_user("oauth_state"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_state")),
    )
    for column in ("user_id", "expires_at"):
        op.create_index(op.f(f"ix_oauth_state_{column}"), "oauth_state", [column])
    _create_slack_tables()


def _create_event_table() -> None:
    op.create_table(
        "synced_event",
        big("id"),
        big("integration_id"),
        text("event_id"),
        text("version"),
        text("series_id", nullable=True),
        time("starts_at"),
        time("ends_at"),
        sa.Column("all_day", sa.Boolean(), nullable=False),
        text("title"),
        text("status"),
        text("attendance"),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.Column("is_captured", sa.Boolean(), nullable=False),
        sa.Column("reading", sa.Integer(), nullable=False),
        time("changed_at"),
        sa.CheckConstraint(
            "status IN ('confirmed', 'tentative', 'cancelled')", name=op.f("ck_synced_event_status")
        ),
        sa.CheckConstraint(
            "attendance IN ('organizer', 'accepted', 'tentative', 'declined', 'unanswered')",
            name=op.f("ck_synced_event_attendance"),
        ),
        _to_integration("synced_event"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_synced_event")),
        sa.UniqueConstraint(
            "integration_id", "event_id", name=op.f("uq_synced_event_integration_id_event_id")
        ),
    )
    op.create_index(
        "ix_synced_event_uncaptured",
        "synced_event",
        ["integration_id", "id"],
        postgresql_where=sa.text("NOT is_captured"),
        sqlite_where=sa.text("NOT is_captured"),
    )


def _create_slack_tables() -> None:
    op.create_table(
        "slack_binding",
        big("id"),
        big("integration_id"),
        big("user_id"),
        text("slack_user_id"),
        text("status_text", nullable=True),
        text("status_emoji", nullable=True),
        time("status_ends_at", nullable=True),
        time("checked_at", nullable=True),
        _to_integration("slack_binding"),
        _to_user("slack_binding"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slack_binding")),
        sa.UniqueConstraint(
            "integration_id", "slack_user_id", name=op.f("uq_slack_binding_integration_id_slack_user_id")
        ),
    )
    op.create_index(op.f("ix_slack_binding_user_id"), "slack_binding", ["user_id"])
    op.create_table(
        "slack_status_change",
        big("id"),
        big("binding_id"),
        text("status_text"),
        text("status_emoji"),
        time("status_ends_at", nullable=True),
        time("seen_at"),
        sa.ForeignKeyConstraint(
            ["binding_id"],
            ["slack_binding.id"],
            name=op.f("fk_slack_status_change_binding_id_slack_binding"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slack_status_change")),
    )
    op.create_index("ix_slack_status_change_seen", "slack_status_change", ["binding_id", "seen_at"])


def _to_user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id"], ["account_user.id"], name=op.f(f"fk_{table}_user_id_account_user")
    )


def _to_integration(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["integration_id"],
        ["integration.id"],
        name=op.f(f"fk_{table}_integration_id_integration"),
        ondelete="CASCADE",
    )

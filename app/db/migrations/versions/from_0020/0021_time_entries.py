"""time entries"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.db.migrations.columns import big, text, time

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "time_entry",
        big("id"),
        big("project_id"),
        big("user_id"),
        text("source"),
        text("external_key", nullable=True),
        text("state"),
        time("started_at"),
        time("ended_at"),
        text("timezone"),
        text("description"),
        big("decided_by", nullable=True),
        time("decided_at", nullable=True),
        text("reason", nullable=True),
        time("created_at"),
        time("changed_at"),
        sa.CheckConstraint("source IN ('manual', 'imported', 'calendar')", name=op.f("ck_time_entry_source")),
        sa.CheckConstraint(
            "state IN ('pending', 'approved', 'rejected', 'billed')", name=op.f("ck_time_entry_state")
        ),
        sa.CheckConstraint("ended_at >= started_at", name=op.f("ck_time_entry_ended_at")),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["account_user.id"], name=op.f("fk_time_entry_decided_by_account_user")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_time_entry_project_id_project")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["account_user.id"], name=op.f("fk_time_entry_user_id_account_user")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_time_entry")),
        sa.UniqueConstraint("project_id", "external_key", name=op.f("uq_time_entry_project_id_external_key")),
    )
    op.create_index("ix_time_entry_project", "time_entry", ["project_id", "started_at"])
    op.create_index("ix_time_entry_worked", "time_entry", ["user_id", "started_at"])
    op.create_table(
        "entry_issue",
        big("id"),
        big("entry_id"),
        text("kind"),
        text("key"),
        text("sentence"),
        time("opened_at"),
        time("closed_at", nullable=True),
        sa.CheckConstraint(
            "kind IN ('overlap', 'too_long', 'gap', 'no_description', 'changed_at_source', 'billed_period')",
            name=op.f("ck_entry_issue_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["time_entry.id"],
            name=op.f("fk_entry_issue_entry_id_time_entry"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry_issue")),
    )
    op.create_index(
        "uq_entry_issue_open",
        "entry_issue",
        ["entry_id", "kind", "key"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
        sqlite_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "daily_summary",
        big("user_id"),
        big("tenant_id"),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("billable_seconds", sa.Integer(), nullable=False),
        sa.Column("gap_seconds", sa.Integer(), nullable=False),
        time("made_at"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_daily_summary_tenant_id_tenant")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["account_user.id"], name=op.f("fk_daily_summary_user_id_account_user")
        ),
        sa.PrimaryKeyConstraint("user_id", "tenant_id", "day", name=op.f("pk_daily_summary")),
    )
    op.create_table(
        "capture_rule",
        big("user_id"),
        sa.Column("position", sa.Integer(), nullable=False),
        big("project_id"),
        text("words"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_capture_rule_project_id_project")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["account_user.id"], name=op.f("fk_capture_rule_user_id_account_user")
        ),
        sa.PrimaryKeyConstraint("user_id", "position", name=op.f("pk_capture_rule")),
    )
    op.create_table(
        "captured_event",
        big("entry_id"),
        big("user_id"),
        text("calendar"),
        text("event_id"),
        time("starts_at"),
        time("ends_at"),
        text("title"),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["time_entry.id"],
            name=op.f("fk_captured_event_entry_id_time_entry"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["account_user.id"], name=op.f("fk_captured_event_user_id_account_user")
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_captured_event")),
        sa.UniqueConstraint(
            "user_id", "calendar", "event_id", name=op.f("uq_captured_event_user_id_calendar_event_id")
        ),
    )

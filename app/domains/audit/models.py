"""The tables of the audit logs."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Index, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import Base, one_of
from app.domains.audit.facts import LoginStatus


class Seen(Base):
    """What both logs know: when, from where and with what.

    The id is a UUID of version 7 made from `at`, so its order is that of time: one key serves pages, periods
    and retention, and a record that arrives twice is one row.
    """

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    at: Mapped[datetime]
    trace_id: Mapped[str | None] = mapped_column(Text)
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    #: Of the user, or of the token that asked.
    user_name: Mapped[str | None] = mapped_column(Text)
    address: Mapped[str | None] = mapped_column(Text)
    user_agent: Mapped[str | None] = mapped_column(Text)
    browser: Mapped[str | None] = mapped_column(Text)
    os: Mapped[str | None] = mapped_column(Text)
    device: Mapped[str | None] = mapped_column(Text)


class Operation(Seen):
    """One request, or the number of those that were left out (`left_out`)."""

    __tablename__ = "operation_log"
    # Each but the last one finds a page, newest first, without sorting.
    __table_args__ = (
        Index("ix_operation_log_user_name", "user_name", "id"),
        Index("ix_operation_log_user_id", "user_id", "id"),
        Index("ix_operation_log_method", "method", "id"),
        Index("ix_operation_log_route", "route", "id"),
        Index("ix_operation_log_status", "status", "id"),
        Index("ix_operation_log_code", "code", "id"),
        Index("ix_operation_log_address", "address", "id"),
        Index("ix_operation_log_trace_id", "trace_id", "id"),
        Index("ix_operation_log_path", "path", postgresql_ops={"path": "text_pattern_ops"}),
    )

    token_id: Mapped[str | None] = mapped_column(Text)
    method: Mapped[str] = mapped_column(Text)
    #: The path as the route declares it, and the route's summary; unset where no route matches.
    route: Mapped[str | None] = mapped_column(Text)
    title: Mapped[str | None] = mapped_column(Text)
    path: Mapped[str] = mapped_column(Text)
    #: Query and body, secrets masked.
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON)
    status: Mapped[int]
    #: Of the problem document.
    code: Mapped[str | None] = mapped_column(Text)
    milliseconds: Mapped[int]
    #: How many requests this row stands for beside itself.
    left_out: Mapped[int]


class Login(Seen):
    """One attempt to sign in."""

    __tablename__ = "login_log"
    __table_args__ = (
        one_of(LoginStatus, column="status"),
        Index("ix_login_log_user_name", "user_name", "id"),
        Index("ix_login_log_user_id", "user_id", "id"),
        Index("ix_login_log_status", "status", "id"),
        Index("ix_login_log_address", "address", "id"),
        Index("ix_login_log_trace_id", "trace_id", "id"),
    )

    status: Mapped[str] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text)

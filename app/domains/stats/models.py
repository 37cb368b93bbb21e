"""The table of statistics."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base


class UserStat(Base):
    """What a user did in one hour; an hour that is counted again is the same row."""

    __tablename__ = "user_stat"
    __table_args__ = (
        UniqueConstraint("user_id", "window_at"),
        Index("ix_user_stat_window_at", "window_at"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    #: No foreign key: the logs may know users that are no more.
    user_id: Mapped[int] = mapped_column(BigInteger)
    #: When the hour began.
    window_at: Mapped[datetime]
    logins: Mapped[int]
    failed_logins: Mapped[int]
    operations: Mapped[int]
    notifications: Mapped[int]
    last_seen_at: Mapped[datetime | None]

"""The tables of notifications."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base, one_of
from app.db.encryption import EncryptedAlike
from app.domains.accounts.facts import Channel


class Platform(StrEnum):
    """Whose address a push endpoint has."""

    SNS = "sns"  # the ARN of an endpoint
    FCM = "fcm"  # a registration token


class ChannelState(StrEnum):
    """What became of a notification on one channel."""

    WAITING = "waiting"
    SENT = "sent"
    SKIPPED = "skipped"  # the user does not want it there, or has no address there
    FAILED = "failed"
    UNCERTAIN = "uncertain"


class Notification(Base):
    """Something one user is told. `key` is the business's own name for it: one key, one notification."""

    __tablename__ = "notification"
    __table_args__ = (
        Index("ix_notification_user", "user_id", "id"),
        Index("ix_notification_created_at", "created_at"),
        Index(
            "ix_notification_unread",
            "user_id",
            postgresql_where=text("in_inbox AND read_at IS NULL"),
            sqlite_where=text("in_inbox AND read_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    key: Mapped[str] = mapped_column(Text, unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("account_user.id"))
    #: Such as bill_reminder; what preferences are kept by.
    type: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    #: Facts for a program that shows it.
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    #: Whether the user's inbox shows it.
    in_inbox: Mapped[bool]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class ChannelDelivery(Base):
    """A notification on one channel; each is tried again by itself."""

    __tablename__ = "notification_delivery"
    __table_args__ = (
        UniqueConstraint("notification_id", "channel"),
        one_of(Channel, column="channel"),
        one_of(ChannelState, column="state"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    notification_id: Mapped[int] = mapped_column(ForeignKey("notification.id", ondelete="CASCADE"))
    channel: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    #: Why it was skipped, or what failed.
    reason: Mapped[str | None] = mapped_column(Text)
    #: Quiet hours end then; null is at once.
    not_before: Mapped[datetime | None]
    changed_at: Mapped[datetime]


#: How addresses of devices are stored.
ADDRESSES = EncryptedAlike("addresses of devices")


class PushEndpoint(Base):
    """A device of a user that takes push messages."""

    __tablename__ = "push_endpoint"
    __table_args__ = (one_of(Platform, column="platform"),)

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("account_user.id"), index=True)
    platform: Mapped[str] = mapped_column(Text)
    #: Who holds it may send to the device.
    address: Mapped[str] = mapped_column(ADDRESSES, unique=True)
    created_at: Mapped[datetime]
    #: Set when the provider said that the device is gone.
    disabled_at: Mapped[datetime | None]

"""The tables of privacy."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base, one_of
from app.db.encryption import Encrypted


class Format(StrEnum):
    """How an export is written."""

    CSV = "csv"
    JSON = "json"
    PDF = "pdf"


class ExportState(StrEnum):
    """What became of an export."""

    WAITING = "waiting"  # its job waits or runs
    READY = "ready"
    PURGED = "purged"  # its time has passed


_WAITING = text("state = 'waiting'")


class Export(Base):
    """An archive of all that is held about a person. One at a time is made."""

    __tablename__ = "data_export"
    __table_args__ = (
        one_of(Format, column="format"),
        one_of(ExportState, column="state"),
        Index(
            "uq_data_export_waiting",
            "user_id",
            unique=True,
            postgresql_where=_WAITING,
            sqlite_where=_WAITING,
        ),
        Index("ix_data_export_user", "user_id", "id"),
        Index("ix_data_export_expires_at", "expires_at"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("account_user.id"))
    format: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    #: The name of the token or the person that asked for it.
    requested_by: Mapped[str] = mapped_column(Text)
    requested_at: Mapped[datetime]
    #: What opens the archive; gone once it was shown.
    passphrase: Mapped[str | None] = mapped_column(Encrypted("passphrases of exports"))
    #: Where the archive is in the store, how many bytes it has, and its SHA-256 in hex.
    stored_as: Mapped[str | None] = mapped_column(Text)
    size: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(Text)
    ready_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]


class Erasure(Base):
    """That a person's data is to be erased, who confirmed it, and what came of it."""

    __tablename__ = "data_erasure"

    user_id: Mapped[int] = mapped_column(
        BIG_ID, ForeignKey("account_user.id"), primary_key=True, autoincrement=False
    )
    requested_by: Mapped[str] = mapped_column(Text)
    requested_at: Mapped[datetime]
    #: Set once what goes on in the person's name was ended.
    severed_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    #: By table: how many rows were deleted, anonymised and kept, and why they were kept.
    report: Mapped[dict[str, Any]] = mapped_column(JSON)

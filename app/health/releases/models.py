"""The table of releases that began to run."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base


class ReleaseStart(Base):
    """A release of which a worker started after those of another: deployed, or taken back to."""

    __tablename__ = "release_start"
    __table_args__ = (
        UniqueConstraint("release", "began_at"),
        Index("ix_release_start_began_at", "began_at"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    release: Mapped[str] = mapped_column(Text)
    #: When the first of its workers started.
    began_at: Mapped[datetime]

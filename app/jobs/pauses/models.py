"""The table of paused queues."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import Base


class QueuePause(Base):
    """A queue that no worker takes jobs from."""

    __tablename__ = "queue_pause"

    queue: Mapped[str] = mapped_column(Text, primary_key=True)
    since: Mapped[datetime]
    #: When it ends by itself; null: when somebody resumes the queue.
    until: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text)
    paused_by: Mapped[str] = mapped_column(Text)

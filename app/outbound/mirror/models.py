"""The table of the mirror."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base


class ResultNote(Base):
    """A job that has ended and whose result is to be written elsewhere; a job that ends again has two."""

    __tablename__ = "result_outbox"

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    job_id: Mapped[str] = mapped_column(Text)
    noted_at: Mapped[datetime]
    #: Why the mirror does not take this one, whatever becomes of the others.
    problem: Mapped[str | None] = mapped_column(Text)

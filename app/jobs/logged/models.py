"""The table of what jobs have logged."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import Base


class JobLog(Base):
    """Lines of one attempt, as many as were written at once. They go with their job."""

    __tablename__ = "job_log"

    job_id: Mapped[str] = mapped_column(Text, ForeignKey("job.id", ondelete="CASCADE"), primary_key=True)
    fence: Mapped[int] = mapped_column(primary_key=True)
    #: The number of the first of them in its attempt, from 0. Those whose numbers are missing were left out.
    first: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    #: Of each line: when, in seconds since 1970; its level; its logger; its message.
    lines: Mapped[list[Any]] = mapped_column(JSON)

"""The tables of bulk acts: each, and the jobs that it is about."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import BIG_ID, Base, one_of
from app.jobs.chosen import Act


class BulkAct(Base):
    """What is done to jobs that are written down beside it. Until it is begun, it is a choice and no more."""

    __tablename__ = "bulk_act"
    __table_args__ = (one_of(Act, column="act"), Index("ix_bulk_act_chosen_at", "chosen_at"))

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    act: Mapped[str] = mapped_column(Text)
    #: By what they were chosen, as pairs of a name and a value, and where that was.
    chosen_by: Mapped[list[Any]] = mapped_column(JSON)
    place: Mapped[str] = mapped_column(Text)
    user_name: Mapped[str] = mapped_column(Text)
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    chosen_at: Mapped[datetime]
    #: How many there are, and whether there were more.
    jobs: Mapped[int]
    has_more: Mapped[bool]
    reason: Mapped[str | None] = mapped_column(Text)
    #: At most so many in so many seconds; null means as fast as it goes.
    pace_jobs: Mapped[int | None]
    pace_seconds: Mapped[int | None]
    begun_at: Mapped[datetime | None]
    #: The job that does the next step, or did the last.
    step_job_id: Mapped[str | None] = mapped_column(Text)
    done: Mapped[int] = mapped_column(default=0)
    left_alone: Mapped[int] = mapped_column(default=0)
    stopped_by: Mapped[str | None] = mapped_column(Text)
    ended_at: Mapped[datetime | None]

    @property
    def left(self) -> int:
        """How many have not had their turn."""
        return self.jobs - self.done - self.left_alone

    @property
    def runs(self) -> bool:
        """Whether it goes on by itself."""
        return self.begun_at is not None and self.ended_at is None


class BulkActJob(Base):
    """A job as it was chosen. Its turn comes by its number, and is over once the act's figures are there."""

    __tablename__ = "bulk_act_job"
    __table_args__ = (Index("ix_bulk_act_job_job_id", "job_id"),)

    act_id: Mapped[int] = mapped_column(ForeignKey("bulk_act.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    #: No foreign key: the ledger may forget it meanwhile.
    job_id: Mapped[str] = mapped_column(Text)
    task: Mapped[str] = mapped_column(Text)
    fence: Mapped[int]
    finished_at: Mapped[datetime | None]
    #: Why it was left as it is.
    problem: Mapped[str | None] = mapped_column(Text)

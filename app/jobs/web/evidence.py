"""What the ledger adds to the evidence about a job: how its task and its queue went around it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from app.db.clock import now
from app.jobs.statistics import figures
from app.jobs.transitions import rollup

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.jobs.web.bundle import Subject

#: Before it was accepted, and after it ended.
AROUND = timedelta(minutes=15)


def _statistics(session: Session, subject: Subject) -> dict[str, Any]:
    job = subject.job
    begin, end = job.accepted_at - AROUND, (job.finished_at or now(session)) + AROUND
    of = partial(figures.series, session, counted_until=rollup.watermark(session), begin=begin, end=end)
    return {"of its task": asdict(of(task=job.task)), "of its queue": asdict(of(queue=job.queue))}


SECTIONS = {"statistics": _statistics}

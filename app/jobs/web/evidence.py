"""What the ledger adds to the evidence about a job: its log, and how its task and queue went around it."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from app.db.clock import now
from app.jobs.ledger.seal import MASK
from app.jobs.logged.reading import lines_of
from app.jobs.statistics import figures
from app.jobs.transitions import rollup

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.jobs.web.bundle import Subject

#: Before it was accepted, and after it ended.
AROUND = timedelta(minutes=15)
#: Of the people of whom a line may tell, it is by this that they are found.
_ADDRESS = re.compile(r"[^\s@<>\"'(),;:=]+@[^\s@<>\"'(),;:=]+")


def _statistics(session: Session, subject: Subject) -> dict[str, Any]:
    job = subject.job
    begin, end = job.accepted_at - AROUND, (job.finished_at or now(session)) + AROUND
    of = partial(figures.series, session, counted_until=rollup.watermark(session), begin=begin, end=end)
    return {"of its task": asdict(of(task=job.task)), "of its queue": asdict(of(queue=job.queue))}


def _log(session: Session, subject: Subject) -> Any:
    if subject.job.hidden_without:
        return {"hidden_without": subject.job.hidden_without}
    lines = lines_of(session, job_id=subject.job.id)
    return [asdict(line) | {"message": _ADDRESS.sub(MASK, line.message)} for line in lines]


SECTIONS = {"log": _log, "statistics": _statistics}

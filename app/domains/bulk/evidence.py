"""What bulk acts add to the evidence about a job: those that it was chosen for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.domains.bulk.models import BulkAct, BulkActJob

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.jobs.web.bundle import Subject

MOST = 100
_SHOWN = ("act", "user_name", "reason", "begun_at", "stopped_by", "ended_at")


def _bulk_acts(session: Session, subject: Subject) -> list[dict[str, Any]]:
    columns = [getattr(BulkAct, name) for name in _SHOWN]
    found = select(*columns, BulkActJob.problem).join(BulkActJob, BulkActJob.act_id == BulkAct.id)
    found = found.where(BulkActJob.job_id == subject.job.id, BulkAct.begun_at.is_not(None))
    if subject.only_user is not None:
        found = found.where(BulkAct.user_id == subject.only_user)
    rows = session.execute(found.order_by(BulkAct.id.desc()).limit(MOST))
    return [dict(zip((*_SHOWN, "problem"), row, strict=True)) for row in rows]


SECTIONS = {"bulk_acts": _bulk_acts}

"""What deliveries add to the evidence about a job: those that it made, without whom they went to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.outbound.deliveries.listing import masked, of_job

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.jobs.web.bundle import Subject

MOST = 100


def _deliveries(session: Session, subject: Subject) -> list[dict[str, Any]]:
    return [masked(one) for one in of_job(session, job_id=subject.job.id, limit=MOST)]


SECTIONS = {"deliveries": _deliveries}

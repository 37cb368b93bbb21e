"""Asks for the work on each integration, a job each, spread over time. Nothing here commits but `commit`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.billing.integrations.models import Integration
from app.jobs.accept import accept
from app.jobs.factory import new_job

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint

#: Integrations whose jobs are accepted in one transaction.
CHUNK = 500
#: The jobs of one round begin one after the other, and all within a part of the time between two rounds.
GAP, MAX_SPREAD = timedelta(seconds=0.2), timedelta(minutes=5)


def request_all(
    session: Session, task: str, *, which: ColumnElement[bool], commit: Checkpoint
) -> dict[str, int]:
    """Have `task` done for each enabled integration; how many, and how many of them waited already."""
    enabled = select(Integration.id).where(which, Integration.is_enabled).order_by(Integration.id)
    ids = session.scalars(enabled).all()
    gap = min(GAP, MAX_SPREAD / max(len(ids), 1))
    counts = {"integrations": len(ids), "queued": 0, "already_queued": 0}
    for begin in range(0, len(ids), CHUNK):
        jobs = [
            new_job(task, kwargs={"integration_id": id_}, delay_seconds=(gap * place).total_seconds())
            for place, id_ in enumerate(ids[begin : begin + CHUNK], start=begin)
        ]
        created = sum(answer.created for answer in accept(session, jobs))
        counts["queued"] += created
        counts["already_queued"] += len(jobs) - created
        commit(counts)
    return counts

"""The progress of one job as server-sent events."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from app.http import streams
from app.jobs import service
from app.jobs.views import JobSummary
from app.jobs.web import permissions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import Request
    from sqlalchemy.orm import Session

    from app.tokens.callers import Caller


async def events_of(job_id: str, *, caller: Caller, request: Request) -> AsyncIterator[dict[str, Any]]:
    """An event `job` for each change, then `end` once the job changes no more."""

    def look(session: Session) -> JobSummary:
        job = JobSummary.model_validate(service.find_job(session, job_id=job_id))
        return permissions.shown(job, caller=caller)

    async with aclosing(streams.changes(look, request=request)) as changes:
        async for job in changes:
            yield streams.event("job", job)
            if job.state.is_terminal:
                yield streams.event("end", job)
                return

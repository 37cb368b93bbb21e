"""The tasks of bulk acts."""

from __future__ import annotations

from app.domains.bulk import service
from app.jobs.celery.task import JobTask, task
from app.jobs.declaration.registry import Retry
from app.jobs.transitions.attempt import checkpoint, job_session
from app.schedule.spec import cron
from app.topology import Priority, Queue

#: Somebody waits for it, and a step that ends badly ends the act with it.
PERSISTENT = Retry(max_attempts=100)


@task(priority=Priority.HIGH, retry=PERSISTENT, bind=True)
def go_on(self: JobTask, act_id: int) -> dict[str, int]:
    """Do the next step of a bulk act, and send the one after it; the result counts its jobs."""
    return service.go_on(job_session(), act_id, job_id=str(self.request.id))


@task(queue=Queue.MAINTENANCE, schedule=cron("40 3 * * *"))
def forget_old() -> dict[str, int]:
    """Delete bulk acts that ended longer ago than the retention time, and choices that nobody began."""
    return {"deleted": service.forget(job_session(), commit=checkpoint)}

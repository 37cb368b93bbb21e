"""The task of statistics."""

from __future__ import annotations

from app.domains.stats import service
from app.jobs.celery.task import task
from app.jobs.transitions.attempt import checkpoint, job_session
from app.schedule.spec import cron
from app.topology import Queue


@task(queue=Queue.ANALYTICS, schedule=cron("0 * * * *"))
def sync_stats() -> dict[str, int]:
    """Count what each user did in the last hours; an hour that is counted twice is counted once."""
    return service.sync(job_session(), commit=checkpoint)

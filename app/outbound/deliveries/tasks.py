"""The task of deliveries."""

from __future__ import annotations

from app.jobs.celery.task import task
from app.jobs.transitions.attempt import checkpoint, job_session
from app.outbound.deliveries import service
from app.schedule.spec import cron
from app.topology import Queue


@task(queue=Queue.MAINTENANCE, schedule=cron("30 3 * * *"))
def forget_settled() -> int:
    """Delete deliveries that were settled longer ago than the retention time; the result counts them."""
    return service.forget_settled(job_session(), commit=checkpoint)

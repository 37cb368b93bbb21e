"""The tasks of alerts."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from app.db.pruning import kept_since, prune
from app.jobs.celery.task import JobTask, task
from app.jobs.declaration.registry import Retry
from app.jobs.transitions.attempt import checkpoint, job_session
from app.outbound.alerts import muting, telling
from app.outbound.alerts.models import Alert
from app.schedule.spec import cron
from app.topology import Priority, Queue

#: Soon at first, because an alert is urgent; the last of these attempts is some 10 hours later.
SOON_AND_LONG = Retry(max_attempts=14, first=timedelta(seconds=5), most=timedelta(hours=2))


@task(
    queue=Queue.NOTIFICATIONS,
    priority=Priority.URGENT,
    retry=SOON_AND_LONG,
    bind=True,
    soft_time_limit=120,
    time_limit=180,
)
def deliver_alert(self: JobTask, delivery_id: int) -> str:
    """Send an alert by one of the channels."""
    job_id = str(self.request.id)
    return telling.deliver(job_session(), delivery_id=delivery_id, job_id=job_id, commit=checkpoint)


@task(queue=Queue.MAINTENANCE, schedule=cron("35 3 * * *"))
def forget_closed() -> int:
    """Delete alerts that were closed longer ago than the retention time; the result counts them."""
    session = job_session()
    muting.forget(session, before=kept_since(session))
    return prune(session, select(Alert.id).where(Alert.closed_at < kept_since(session)), commit=checkpoint)

"""The task of the daily mail."""

from __future__ import annotations

from datetime import timedelta

from app.health.daily import service
from app.jobs.celery.task import JobTask, task
from app.jobs.transitions.attempt import job_session
from app.schedule import history
from app.schedule.policies import Policies
from app.schedule.spec import cron
from app.topology import Queue

#: It is worth reading until the evening: a beat that was down at the hour has it sent then.
POLICIES = Policies(grace=timedelta(hours=12))


@task(
    name="health.daily_mail",
    queue=Queue.MAINTENANCE,
    schedule=cron("0 6 * * *", policies=POLICIES),
    bind=True,
)
def daily_mail(self: JobTask) -> dict[str, str | int]:
    """Mail how the jobs of yesterday went and what needs a person, where addresses for it are set; once."""
    session = job_session()
    now = history.as_of(session, job_id=str(self.request.id))
    found = service.tell_of_yesterday(session, now=now)
    if found is None:
        return {"status": "GROUNDWORK_DAILY_MAIL names nobody"}
    return {"day": found.day.isoformat(), "ended": found.total.ended, "dead": found.total.dead}

"""The tasks of the health check."""

from __future__ import annotations

from sqlalchemy import select

from app.db.pruning import kept_since, prune
from app.health.checks import service
from app.health.checks.models import CheckState, HealthCheck
from app.health.releases import service as releases
from app.jobs.celery.task import task
from app.jobs.transitions.attempt import checkpoint, job_session
from app.schedule.policies import Overlap, Policies
from app.schedule.spec import cron, every
from app.topology import Priority, Queue

#: Without a success for so long, beat reports it.
POLICIES = Policies(overlap=Overlap.SKIP, success_within=4 * service.WINDOW.interval)


@task(
    name="health.health_check",
    queue=Queue.MAINTENANCE,
    priority=Priority.HIGH,
    schedule=every(service.WINDOW.interval, policies=POLICIES),
    soft_time_limit=180,
    time_limit=240,
)
def health_check() -> dict[str, int]:
    """Check all that the service stands on, keep what was found, and alert on changes."""
    # Before the session is used: a check may take its time, and SQLite has one writer.
    carried = service.carry_out_all()
    service.record(job_session(), carried)
    return {state.value: sum(one.state is state for one in carried) for state in CheckState}


@task(name="health.forget_checks", queue=Queue.MAINTENANCE, schedule=cron("40 3 * * *"))
def forget_checks() -> int:
    """Delete what the health check found longer ago than the retention time; the result counts it."""
    session = job_session()
    releases.forget(session)
    old = select(HealthCheck.id).where(HealthCheck.window_at < kept_since(session))
    return prune(session, old, commit=checkpoint)

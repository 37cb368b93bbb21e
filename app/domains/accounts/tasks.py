"""The tasks of accounts."""

from __future__ import annotations

from app.domains.accounts import service
from app.domains.accounts.scopes import WRITE
from app.domains.accounts.sessions import cleanup
from app.jobs.celery.task import task
from app.jobs.transitions.attempt import checkpoint, job_session
from app.schedule.spec import cron
from app.topology import Queue


@task(name=service.WELCOME_TASK, queue=Queue.EMAILS, scope=WRITE)
def send_welcome_email(user_id: int) -> dict[str, int]:
    """Welcome a new user by mail, once."""
    return {"delivery_id": service.welcome(job_session(), user_id=user_id)}


@task(queue=Queue.MAINTENANCE, schedule=cron("0 0 * * *"))
def cleanup_sessions() -> dict[str, int]:
    """Delete sessions and refresh tokens that have ended, and forgotten attempts; the result counts them."""
    return cleanup.forget_ended(job_session(), commit=checkpoint)

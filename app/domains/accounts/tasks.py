"""The tasks of accounts."""

from __future__ import annotations

from app.domains.accounts import service
from app.domains.accounts.scopes import WRITE
from app.jobs.celery.task import task
from app.jobs.transitions.attempt import job_session
from app.topology import Queue


@task(name=service.WELCOME_TASK, queue=Queue.EMAILS, scope=WRITE)
def send_welcome_email(user_id: int) -> dict[str, int]:
    """Welcome a new user by mail, once."""
    return {"delivery_id": service.welcome(job_session(), user_id=user_id)}

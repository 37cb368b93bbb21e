"""The tasks of accounts."""

from __future__ import annotations

from app.accounts import service
from app.accounts.scopes import WRITE
from app.jobs import job_session, task
from app.topology import Queue


@task(queue=Queue.EMAILS, scope=WRITE)
def send_welcome_email(user_id: int) -> dict[str, int]:
    """Welcome a new user by mail, once."""
    return {"delivery_id": service.welcome(job_session(), user_id=user_id)}

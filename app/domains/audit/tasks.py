"""The tasks of the audit logs."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from app.domains.audit import retention, service
from app.domains.audit.models import Login, Operation
from app.domains.audit.scopes import WRITE
from app.jobs import acts
from app.jobs.celery.task import task
from app.jobs.declaration.registry import Retry
from app.jobs.transitions.attempt import checkpoint, job_session
from app.schedule.spec import cron
from app.topology import Queue

Days = Annotated[int, Field(ge=1, le=retention.MAX_DAYS)]

#: A record is waited for by nobody, and is not to be lost.
PERSISTENT = Retry(max_attempts=100)


@task(queue=Queue.AUDIT, scope=WRITE, retry=PERSISTENT)
def log_operation_task(records: list[dict[str, Any]]) -> dict[str, int]:
    """Write finished requests into the operation log; each is written once, however often this runs."""
    return {"written": service.write_operations(job_session(), records)}


@task(queue=Queue.AUDIT, scope=WRITE, retry=PERSISTENT)
def log_login_task(records: list[dict[str, Any]]) -> dict[str, int]:
    """Write attempts to sign in into the login log; each is written once, however often this runs."""
    return {"written": service.write_logins(job_session(), records)}


@task(queue=Queue.MAINTENANCE, scope=WRITE, schedule=cron("50 3 * * *"))
def delete_operation_log(days: Days | None = None) -> dict[str, int]:
    """Archive, where that is set up, and delete what is in the operation log for longer than `days`."""
    return {"deleted": retention.prune_log(job_session(), Operation, days=days, commit=checkpoint)}


@task(queue=Queue.MAINTENANCE, scope=WRITE, schedule=cron("55 3 * * *"))
def delete_login_log(days: Days | None = None) -> dict[str, int]:
    """Archive, where that is set up, and delete what is in the login log for longer than `days`."""
    return {"deleted": retention.prune_log(job_session(), Login, days=days, commit=checkpoint)}


acts.kept_by(service.note_act)

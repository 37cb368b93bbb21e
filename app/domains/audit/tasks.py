"""The tasks of the audit logs."""

from __future__ import annotations

from typing import Any

from app.domains.audit import service
from app.domains.audit.scopes import WRITE
from app.jobs.celery.task import task
from app.jobs.declaration.registry import Retry
from app.jobs.transitions.attempt import job_session
from app.topology import Queue

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

"""What the tests of the audit logs have in common."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import func, select

from app.db.sessions import reading, transaction
from app.domains.audit import service
from app.domains.audit.models import Login, Operation
from app.domains.audit.records import moment, new_id
from app.jobs.ledger.models import Job

NANOSECONDS = 10**9


def record(*, at: int | None = None, **values: Any) -> dict[str, Any]:
    """A record as the task is given it."""
    at = time.time_ns() if at is None else at
    return {"id": str(new_id(at=at)), "at": moment(at).isoformat(), "method": "POST", "path": "/x"} | values


def write(*records: dict[str, Any]) -> int:
    with transaction() as session:
        return service.write_operations(session, records)


def operations() -> list[Operation]:
    """The operation log, the oldest first."""
    with reading() as session:
        return list(session.scalars(select(Operation).order_by(Operation.id)))


def logins() -> list[Login]:
    with reading() as session:
        return list(session.scalars(select(Login).order_by(Login.id)))


def count(table: type[Operation | Login] = Operation) -> int:
    with reading() as session:
        return session.scalars(select(func.count()).select_from(table)).one()


def accepted(task: str = service.OPERATION_TASK) -> list[dict[str, Any]]:
    """The records of all jobs of a task, in the order of acceptance."""
    with reading() as session:
        jobs = session.scalars(select(Job).where(Job.task == task).order_by(Job.accepted_at, Job.id))
        return [one for job in jobs for one in job.kwargs["records"]]

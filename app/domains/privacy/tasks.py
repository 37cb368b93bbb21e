"""The tasks of privacy."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError

from app.domains.privacy import erasing
from app.domains.privacy.exporting import service as exporting
from app.domains.privacy.models import Format
from app.domains.privacy.scopes import ERASE, EXPORT
from app.jobs.celery.task import JobTask, task
from app.jobs.declaration.registry import Retry
from app.jobs.transitions.attempt import checkpoint, job_session
from app.personal_data.declaration import ERASE_TASK
from app.schedule.spec import cron
from app.topology import Queue
from app.values.row_ids import RowId

#: Outlasts jobs that still work on the person's rows, and so stand in the way of a deletion.
LONG_RETRY = Retry(max_attempts=50, first=timedelta(seconds=2), on=(*Retry().on, IntegrityError))


@task(
    name=exporting.EXPORT_TASK,
    queue=Queue.REPORTS,
    scope=EXPORT,
    public=True,
    retry=LONG_RETRY,
    concurrency=1,
    partition_by="user_id",
    bind=True,
)
def export_customer_data(self: JobTask, user_id: RowId, format: Format = Format.JSON) -> dict[str, Any]:  # noqa: A002
    """Put all that is held about a person into an encrypted archive, and mail them a link to it."""
    export = exporting.make(
        job_session(),
        user_id=user_id,
        kind=format,
        requested_by=f"job {self.request.id}",
        commit=checkpoint,
    )
    return {"export_id": export.id, "size": export.size}


@task(queue=Queue.MAINTENANCE, schedule=cron("25 * * * *"))
def purge_exports() -> int:
    """Delete the archives of exports whose time has passed; the result counts them."""
    return exporting.purge(job_session(), commit=checkpoint)


@task(
    name=ERASE_TASK,
    queue=Queue.REPORTS,
    scope=ERASE,
    public=True,
    retry=LONG_RETRY,
    concurrency=1,
    partition_by="user_id",
)
def erase_customer_data(user_id: RowId) -> dict[str, Any]:
    """Erase what is held about a person whose erasure was confirmed; the result says by table what stayed."""
    return erasing.erase(job_session(), user_id=user_id, commit=checkpoint)

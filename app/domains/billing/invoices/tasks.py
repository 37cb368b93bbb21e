"""The tasks of invoices."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from app.domains.billing.charging.periods import Period
from app.domains.billing.invoices import generation
from app.domains.billing.scopes import WRITE
from app.jobs.celery.task import task
from app.jobs.transitions.attempt import checkpoint, job_session
from app.schedule.spec import cron
from app.settings.business_clock import business_now
from app.topology import Queue
from app.values.row_ids import RowId

Month = Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", description="YYYY-MM.")]


@task(
    name=generation.GENERATE_TASK,
    queue=Queue.INVOICES,
    scope=WRITE,
    schedule=cron("0 2 * * *"),
    public=True,
)
def generate_pending_invoices(
    billing_period: Month | None = None, tenant_id: RowId | None = None
) -> dict[str, Any]:
    """Make the invoices of a month, or of the last one that is over by each client's clock, as drafts."""
    run = generation.generate(
        job_session(),
        period=None if billing_period is None else Period.parse(billing_period),
        tenant_id=tenant_id,
        now=business_now(),
        commit=checkpoint,
    )
    return run.result()

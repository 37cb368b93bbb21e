"""The tasks of invoices."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import Field

from app.domains.billing.charging.periods import Period
from app.domains.billing.invoices import cleaning, payments
from app.domains.billing.invoices.generating import generation
from app.domains.billing.invoices.sending import mailing, overdue, receipts, reminding
from app.domains.billing.scopes import WRITE
from app.jobs.celery.task import JobTask, task
from app.jobs.transitions.attempt import checkpoint, job_session
from app.outbound.mail.addresses import Mailbox
from app.outbound.mail.tasks import LONG_RETRY
from app.schedule.spec import cron
from app.settings.business_clock import business_now
from app.topology import Queue
from app.values.patterned_text import Patterned
from app.values.row_ids import RowId
from app.values.text_fields import ONE_LINE

MAX_LEAD_DAYS = 365
MAX_DAYS = 36_500
Month = Annotated[
    str,
    Patterned(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$", sentence="Write a month as YYYY-MM", such_as="2026-10"),
]
Name = Annotated[str, Field(min_length=1, max_length=200), ONE_LINE]


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


@task(queue=Queue.INVOICES, scope=WRITE, schedule=cron("0 9 * * *"), public=True)
def send_pending_invoices(status: Literal["draft"] = "draft") -> dict[str, int]:  # noqa: ARG001 (there is one)
    """Have each draft of an invoice or a credit note mailed; it is marked as sent when its mail went out."""
    return mailing.request_all(job_session(), now=business_now(), commit=checkpoint)


@task(queue=Queue.INVOICES, scope=WRITE, schedule=cron("0 11 * * *"), public=True)
def send_payment_reminders(
    days_before_due: Annotated[int, Field(ge=0, le=MAX_LEAD_DAYS)] = 7,
) -> dict[str, int]:
    """Remind clients of invoices that are due within so many days, once for each invoice and number."""
    done = reminding.send_reminders(
        job_session(), lead=days_before_due, now=business_now(), commit=checkpoint
    )
    return asdict(done)


@task(queue=Queue.INVOICES, scope=WRITE, schedule=cron("0 3 * * *"), public=True)
def cleanup_old_tasks(days: Annotated[int, Field(ge=1, le=MAX_DAYS)] = 30) -> dict[str, int]:
    """Delete finished jobs, settled deliveries, closed issues and drafts' PDFs that are older than `days`."""
    return cleaning.forget(job_session(), days=days, commit=checkpoint)


@task(
    name=mailing.MAIL_TASK,
    queue=Queue.NOTIFICATIONS,
    scope=WRITE,
    public=True,
    retry=LONG_RETRY,
    bind=True,
    search=("invoice_id",),
)
def send_invoice_email(
    self: JobTask,
    invoice_id: RowId,
    recipient_email: Mailbox | None = None,
    recipient_name: Name | None = None,
    layout: Name | None = None,
) -> dict[str, Any]:
    """Mail an invoice with its PDF, once, and mark it as sent when the mail went out."""
    return mailing.send(
        job_session(),
        invoice_id=invoice_id,
        to=recipient_email,
        name=recipient_name,
        layout=layout,
        job_id=str(self.request.id),
        now=business_now(),
        commit=checkpoint,
    )


@task(
    name=payments.RECEIPT_TASK,
    queue=Queue.NOTIFICATIONS,
    scope=WRITE,
    public=True,
    retry=LONG_RETRY,
    bind=True,
)
def send_payment_email(
    self: JobTask,
    payment_id: RowId,
    recipient_email: Mailbox | None = None,
    recipient_name: Name | None = None,
) -> dict[str, Any]:
    """Thank a client for a payment by mail, once."""
    return receipts.send(
        job_session(),
        payment_id=payment_id,
        to=recipient_email,
        name=recipient_name,
        job_id=str(self.request.id),
        commit=checkpoint,
    )


@task(
    name="notifications.check_overdue_invoices",
    queue=Queue.NOTIFICATIONS,
    scope=WRITE,
    schedule=cron("0 10 * * *"),
    public=True,
)
def check_overdue_invoices() -> dict[str, int]:
    """Mark invoices that are overdue, and tell of each 1, 7, 14 and 30 days after it was due."""
    return asdict(overdue.check(job_session(), now=business_now(), commit=checkpoint))

"""The tasks of the marketplace."""

from __future__ import annotations

from typing import Any

from app.domains.marketplace.licences import issuing
from app.domains.marketplace.licences import mailing as licence_mails
from app.domains.marketplace.orders import invoicing, settling
from app.domains.marketplace.orders import mailing as order_mails
from app.domains.marketplace.scopes import WRITE, WRITE_USAGE
from app.domains.marketplace.stripe import applying
from app.domains.marketplace.usage import counting, recording
from app.domains.marketplace.usage.models import UsageKind
from app.jobs.celery.task import JobTask, task
from app.jobs.transitions.attempt import checkpoint, job_session
from app.schedule.spec import cron
from app.settings.business_clock import business_now
from app.topology import Priority, Queue
from app.values.row_ids import RowId


@task(
    name=settling.CONFIRM_TASK,
    queue=Queue.EMAILS,
    priority=Priority.HIGH,
    scope=WRITE,
    public=True,
    search=("order_id",),
)
def send_order_confirmation(order_id: RowId) -> dict[str, int | None]:
    """Confirm a paid order to its buyer by mail, once."""
    return {"delivery_id": order_mails.confirm(job_session(), order_id=order_id)}


@task(name=issuing.MAIL_TASK, queue=Queue.EMAILS, priority=Priority.HIGH, scope=WRITE, public=True)
def send_license_email(license_id: RowId) -> dict[str, int | None]:
    """Mail a licence with its key to its buyer, once."""
    return {"delivery_id": licence_mails.deliver(job_session(), licence_id=license_id)}


@task(name=settling.INVOICE_TASK, queue=Queue.REPORTS, scope=WRITE, public=True, search=("order_id",))
def generate_invoice_pdf(order_id: RowId) -> list[dict[str, Any]]:
    """Make the invoice of a paid order, and the credit note of a refunded one, once each."""
    return invoicing.generate(job_session(), order_id=order_id, now=business_now())


@task(queue=Queue.MAINTENANCE, schedule=cron("0 4 * * *"))
def forget_stripe_events() -> dict[str, int]:
    """Delete events of Stripe that are older than finished jobs are kept."""
    return {"events": applying.forget(job_session(), commit=checkpoint)}


@task(queue=Queue.MODELS, scope=WRITE_USAGE, public=True, bind=True)
def update_model_analytics(self: JobTask, model_id: RowId, event_type: UsageKind) -> dict[str, int]:
    """Count a view, a download or a purchase of a model, once for each job."""
    counted = recording.take_from_job(
        job_session(), model_id=model_id, kind=event_type, job_id=str(self.request.id), now=business_now()
    )
    return {"counted": counted}


@task(queue=Queue.MAINTENANCE, schedule=cron("50 * * * *"))
def forget_usage_events() -> dict[str, int]:
    """Delete usage events that are too old to be told again; what they counted stays."""
    return {"events": counting.forget(job_session(), now=business_now(), commit=checkpoint)}

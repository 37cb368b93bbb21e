"""The tasks that tell people of their work and their invoices."""

from __future__ import annotations

from dataclasses import asdict

from app.domains.billing.scopes import WRITE
from app.domains.billing.summaries import daily, weekly
from app.jobs.celery.task import task
from app.jobs.transitions.attempt import checkpoint, job_session
from app.schedule.spec import cron
from app.settings.business_clock import business_now
from app.topology import Queue


@task(
    name="notifications.send_daily_email_summaries",
    queue=Queue.NOTIFICATIONS,
    scope=WRITE,
    schedule=cron("*/15 * * * *"),
    public=True,
)
def send_daily_email_summaries() -> dict[str, int]:
    """Tell users of the hours, entries and open issues of their day, from 17:00 in their own time zones."""
    return asdict(daily.send_daily_summaries(job_session(), now=business_now(), commit=checkpoint))


@task(
    name="notifications.send_weekly_invoice_summary",
    queue=Queue.NOTIFICATIONS,
    scope=WRITE,
    schedule=cron("*/15 * * * *"),
    public=True,
)
def send_weekly_invoice_summary() -> dict[str, int]:
    """Tell admins of tenants, on Mondays from 9:00 of theirs, what was issued, paid and is overdue."""
    return asdict(weekly.send_weekly_invoice_summaries(job_session(), now=business_now(), commit=checkpoint))

"""The tasks of reports."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from app.domains.marketplace.reports import generating, periods
from app.domains.marketplace.scopes import REPORTS
from app.jobs.celery.task import JobTask, task
from app.jobs.transitions.attempt import checkpoint, job_session
from app.outbound.mail.tasks import LONG_RETRY
from app.schedule.history import as_of
from app.schedule.policies import Misfire, Policies
from app.schedule.spec import cron
from app.settings.business_clock import business_now
from app.topology import Queue
from app.values.strict_models import PlainInt

#: Whoever was not there at midnight makes the reports of all days that have none, each as of its own.
CAUGHT_UP = Policies(misfire=Misfire.ALL, grace=timedelta(days=62))


@task(
    name="marketplace.generate_daily_report",
    queue=Queue.REPORTS,
    scope=REPORTS,
    schedule=cron("0 0 * * *", policies=CAUGHT_UP),
    public=True,
    retry=LONG_RETRY,
    bind=True,
)
def generate_daily_report(self: JobTask, date: date | None = None) -> dict[str, Any]:
    """Make the report of yesterday, or of a day, and mail it to administrators; once."""
    last = periods.last_day(as_of(job_session(), job_id=str(self.request.id)))
    return _make(last if date is None else periods.of_day(date))


@task(
    name="marketplace.generate_monthly_report",
    queue=Queue.REPORTS,
    scope=REPORTS,
    schedule=cron("15 0 1 * *", policies=CAUGHT_UP),
    public=True,
    retry=LONG_RETRY,
    bind=True,
)
def generate_monthly_report(
    self: JobTask, year: PlainInt | None = None, month: PlainInt | None = None
) -> dict[str, Any]:
    """Make the report of the last month, or of a month, and mail it to administrators; once."""
    if year is None and month is None:
        return _make(periods.last_month(as_of(job_session(), job_id=str(self.request.id))))
    return _make(periods.of_month(year=year, month=month))


def _make(period: periods.Period) -> dict[str, Any]:
    return asdict(generating.make(job_session(), period, now=business_now(), commit=checkpoint))

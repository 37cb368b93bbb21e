"""The tasks of time capture."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from app.domains.billing.scopes import WRITE
from app.domains.billing.time_capture import reminders, slack, summarising
from app.domains.billing.time_capture.calendars import capturing
from app.domains.billing.time_capture.issues import validating
from app.domains.billing.time_capture.reminders import ReminderType
from app.jobs.celery.task import JobTask, task
from app.jobs.declaration.registry import Retry
from app.jobs.transitions.attempt import checkpoint, job_session
from app.schedule.spec import cron
from app.settings.business_clock import business_now
from app.topology import Queue
from app.values.row_ids import RowId

#: Slack may be away for an hour or two.
LONG_RETRY = Retry(max_attempts=8, first=timedelta(seconds=5), factor=4, most=timedelta(hours=1))


# After the calendars were read that are read at the hour.
@task(queue=Queue.TIME_CAPTURE, scope=WRITE, schedule=cron("10 * * * *"), public=True)
def sync_time_entries_from_integrations(user_id: RowId | None = None) -> dict[str, Any]:
    """Make pending entries of events that are over, by each user's rules, and let them follow these."""
    done = capturing.capture(job_session(), now=business_now(), commit=checkpoint, user_id=user_id)
    return done.result()


@task(queue=Queue.TIME_CAPTURE, scope=WRITE, schedule=cron("0 1 * * *"), public=True)
def aggregate_daily_time_entries(date: date | None = None) -> dict[str, Any]:
    """Sum up what users worked on a day, or on all days that are over by their own clocks and differ."""
    summed = summarising.sum_up(job_session(), now=business_now(), commit=checkpoint, day=date)
    return asdict(summed)


@task(queue=Queue.TIME_CAPTURE, scope=WRITE, schedule=cron("30 1 * * *"), public=True)
def validate_time_entries(user_id: RowId | None = None) -> dict[str, Any]:
    """Open issues for what is wrong with the entries of the last seven days, and close what is mended."""
    done = validating.validate(job_session(), now=business_now(), commit=checkpoint, user_id=user_id)
    return asdict(done)


@task(queue=Queue.TIME_CAPTURE, scope=WRITE, schedule=cron("*/15 * * * *"), public=True)
def send_time_entry_reminders(type: ReminderType | None = None) -> dict[str, int]:  # noqa: A002 (its public name)
    """Remind of time that is not recorded, or tell of a week, at the hour of each user's own clock.

    Without `type`, all three are sent to those whose hour has come.
    """
    types = tuple(ReminderType) if type is None else (type,)
    told = reminders.send_reminders(job_session(), now=business_now(), commit=checkpoint, types=types)
    return asdict(told)


@task(name=slack.SEND_TASK, queue=Queue.NOTIFICATIONS, scope=WRITE, retry=LONG_RETRY, bind=True)
def send_slack_message(self: JobTask, user_id: int, key: str, title: str, body: str) -> str:
    """Send a reminder by Slack."""
    return slack.send_slack_message(
        job_session(),
        user_id=user_id,
        key=key,
        title=title,
        body=body,
        job_id=str(self.request.id),
        commit=checkpoint,
    )

"""The tasks of notifications."""

from __future__ import annotations

from datetime import timedelta

from app.domains.notifications import delivering, devices, service
from app.domains.notifications.delivering import Try
from app.domains.notifications.schemas import (
    MESSAGE,
    MESSAGE_TITLE,
    USUAL,
    Channels,
    Key,
    Message,
    Title,
    Type,
)
from app.domains.notifications.scopes import WRITE
from app.jobs.celery.task import JobTask, task
from app.jobs.declaration.registry import Retry
from app.jobs.transitions.attempt import checkpoint, job_session
from app.schedule.spec import cron
from app.settings.business_clock import business_now
from app.topology import Queue
from app.values.row_ids import RowId

#: A provider may be away for an hour or two without a notification being given up.
LONG_RETRY = Retry(max_attempts=8, first=timedelta(seconds=5), factor=4, most=timedelta(hours=1))


@task(name=service.SEND_TASK, queue=Queue.NOTIFICATIONS, public=True, scope=WRITE, bind=True)
async def send_notification(
    self: JobTask,
    user_id: RowId,
    message: Message,
    *,
    type: Type = MESSAGE,  # noqa: A002 (the argument's public name)
    title: Title = MESSAGE_TITLE,
    channels: Channels = USUAL,
    key: Key | None = None,
) -> dict[str, int]:
    """Notify a user by those of `channels` that the user accepts for the type.

    A user is notified once under one `key`; without a key, once per job.
    """
    notification_id = service.notify(
        job_session(),
        # Apart from the keys that the service itself gives, such as those of bills.
        key=f"sent:{user_id}:{key}" if key else f"job:{self.request.id}",
        user_id=user_id,
        type=type,
        title=title,
        body=message,
        channels=channels,
    )
    return {"notification_id": notification_id}


@task(queue=Queue.MAINTENANCE, schedule=cron("10 4 * * *"))
def encrypt_addresses() -> int:
    """Encrypt addresses of devices that an earlier release stored in clear; the result counts them."""
    return devices.encrypt_all(job_session(), commit=checkpoint)


@task(queue=Queue.NOTIFICATIONS, scope=WRITE, retry=LONG_RETRY, bind=True)
def deliver_email(self: JobTask, notification_id: int) -> str:
    """Send a notification by mail."""
    return delivering.deliver_email(job_session(), notification_id=notification_id, this=_try_of(self))


@task(queue=Queue.NOTIFICATIONS, scope=WRITE, retry=LONG_RETRY, bind=True)
def deliver_push(self: JobTask, notification_id: int) -> str:
    """Send a notification to the user's devices."""
    return delivering.deliver_push(job_session(), notification_id=notification_id, this=_try_of(self))


def _try_of(running: JobTask) -> Try:
    retries, most = running.request.retries or 0, running.max_retries
    return Try(
        job_id=str(running.request.id),
        now=business_now(),
        is_last=most is not None and retries >= most,
        commit=checkpoint,
    )

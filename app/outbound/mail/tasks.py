"""The tasks of mail."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from app.jobs.celery.task import JobTask, task
from app.jobs.declaration.registry import Retry
from app.jobs.transitions.attempt import checkpoint, job_session
from app.outbound.deliveries.service import find
from app.outbound.mail import service
from app.outbound.mail.addresses import Mailbox, Recipients
from app.outbound.mail.message import Body, Message, Subject
from app.outbound.mail.scopes import SEND
from app.topology import Queue
from app.values.text_fields import ONE_LINE

#: A provider that is down for an afternoon costs no mail: the last of these attempts is some 8 hours later.
LONG_RETRY = Retry(max_attempts=12, first=timedelta(seconds=30), most=timedelta(hours=2))

Key = Annotated[str, Field(min_length=1, max_length=255), ONE_LINE]


@task(queue=Queue.EMAILS, public=True, scope=SEND, retry=LONG_RETRY, bind=True)
def send_email(
    self: JobTask,
    to_addresses: Recipients,
    subject: Subject,
    body_text: Body,
    body_html: Body | None = None,
    key: Key | None = None,
) -> dict[str, Any]:
    """Send one mail to all of `to_addresses`. The same `key` again is the same mail: it is sent once.

    Without a `key` the job stands for the mail.
    """
    message = Message(
        key=_name_of(self, key), to=tuple(to_addresses), subject=subject, text=body_text, html=body_html
    )
    return _send(self, message)


@task(queue=Queue.EMAILS, public=True, scope=SEND, retry=LONG_RETRY, bind=True)
def send_email_task(
    self: JobTask, to: Mailbox, subject: Subject, body: Body, key: Key | None = None
) -> dict[str, Any]:
    """Send one mail to one address, as `send_email` does to several."""
    return _send(self, Message(key=_name_of(self, key), to=(to,), subject=subject, text=body))


@task(name=service.DELIVER_TASK, queue=Queue.EMAILS, scope=SEND, retry=LONG_RETRY, bind=True)
def deliver_mail(self: JobTask, delivery_id: int) -> dict[str, Any]:
    """Send a prepared mail."""
    delivery = find(job_session(), delivery_id=delivery_id)
    return service.send_mail(job_session(), delivery, job_id=str(self.request.id), commit=checkpoint)


def _name_of(running: JobTask, key: str | None) -> str:
    return f"send_email:{key}" if key else f"job:{running.request.id}"


def _send(running: JobTask, message: Message) -> dict[str, Any]:
    delivery = service.prepare_mail(job_session(), message)
    return service.send_mail(job_session(), delivery, job_id=str(running.request.id), commit=checkpoint)

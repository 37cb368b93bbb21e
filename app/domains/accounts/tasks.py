"""The tasks of accounts."""

from __future__ import annotations

from app.domains.accounts import service
from app.domains.accounts.links import mailing, requests
from app.domains.accounts.schemas import Name
from app.domains.accounts.scopes import WRITE
from app.domains.accounts.service import NewUser
from app.domains.accounts.sessions import cleanup
from app.jobs.celery.task import JobTask, task
from app.jobs.errors import PermanentError
from app.jobs.transitions.attempt import checkpoint, job_session
from app.outbound.mail.addresses import Mailbox
from app.schedule.spec import cron
from app.topology import Queue
from app.values.row_ids import RowId


@task(name=service.WELCOME_TASK, queue=Queue.EMAILS, scope=WRITE, public=True)
def send_welcome_email(
    email: Mailbox | None = None, name: Name | None = None, user_id: RowId | None = None
) -> dict[str, int]:
    """Welcome a new user by mail, once: the one with the address `email`, or with the id."""
    if user_id is not None:
        return {"delivery_id": service.welcome(job_session(), user_id=user_id, name=name)}
    if email is None:
        raise PermanentError("Nobody is named who could be welcomed: give an `email` or a `user_id`.")
    return {"delivery_id": service.welcome_at(job_session(), email=email, name=name)}


@task(name=requests.PASSWORD_RESET_TASK, queue=Queue.EMAILS, scope=WRITE, sensitive=("mailbox",), bind=True)
def mail_password_reset(self: JobTask, mailbox: str) -> dict[str, int | None]:
    """Mail a link to whoever signs in with that address, to choose another password."""
    return {"delivery_id": mailing.mail_password_reset(job_session(), email=mailbox, key=_key_of(self))}


@task(name=requests.REGISTRATION_TASK, queue=Queue.EMAILS, scope=WRITE, sensitive=("registrant",), bind=True)
def mail_registration(self: JobTask, registrant: dict[str, str]) -> dict[str, int | None]:
    """Mail a link to somebody who wants to register."""
    new = NewUser(**registrant)
    return {"delivery_id": mailing.mail_registration(job_session(), new, key=_key_of(self))}


@task(name=requests.EMAIL_CHANGE_TASK, queue=Queue.EMAILS, scope=WRITE, sensitive=("mailbox",), bind=True)
def mail_email_change(self: JobTask, user_id: int, mailbox: str) -> dict[str, int | None]:
    """Mail a link to the address that a user wants to have."""
    key, session = _key_of(self), job_session()
    return {"delivery_id": mailing.mail_email_change(session, user_id=user_id, email=mailbox, key=key)}


@task(queue=Queue.MAINTENANCE, schedule=cron("0 * * * *"))
def cleanup_sessions() -> dict[str, int]:
    """Delete sessions, refresh tokens and links that have ended, and old attempts; the result counts them."""
    return cleanup.forget_ended(job_session(), commit=checkpoint)


def _key_of(task: JobTask) -> str:
    return f"link:{task.request.id}"

"""Asks for mailed links, does what a worker does with that, and reads the mails."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from app.db.clock import clock
from app.db.sessions import reading, transaction
from app.domains.accounts.links import mailing
from app.domains.accounts.links.requests import EMAIL_CHANGE_TASK, PASSWORD_RESET_TASK, REGISTRATION_TASK
from app.domains.accounts.models import MailedLink, SignInAttempts
from app.domains.accounts.service import NewUser
from app.jobs.ledger.models import Job
from app.jobs.ledger.seal import unseal
from app.outbound.deliveries.models import Delivery
from tests.api_client import anonymous
from tests.domains.accounts.people import ANN

if TYPE_CHECKING:
    from httpx import Response
    from starlette.testclient import TestClient

RESET = "/api/v1/auth/password-reset"
CONFIRM_RESET = f"{RESET}/confirm"
EMAIL = "/api/v1/auth/email"
CONFIRM_EMAIL = f"{EMAIL}/confirm"
REGISTER = "/api/v1/users/register"
CONFIRM_REGISTER = f"{REGISTER}/confirm"
NEW = "slow rivers carve the valley"
TOKEN = re.compile(r"gwl_[A-Za-z0-9_-]{43}")
TASKS = (PASSWORD_RESET_TASK, REGISTRATION_TASK, EMAIL_CHANGE_TASK)


def post(path: str, client: TestClient | None = None, **body: Any) -> Response:
    answer: Response = (client or anonymous()).post(path, json=body)
    return answer


def do_what_was_asked() -> None:
    """Make the mails of all that was asked for, as often as this is called."""
    with reading() as session:
        rows = session.execute(
            select(Job.id, Job.task, Job.kwargs).where(Job.task.in_(TASKS)).order_by(Job.accepted_at, Job.id)
        ).all()
    for job_id, task, kwargs in rows:
        given = {name: unseal(value) for name, value in kwargs.items()}
        with transaction() as session:
            if task == PASSWORD_RESET_TASK:
                mailing.mail_password_reset(session, email=given["mailbox"], key=job_id)
            elif task == EMAIL_CHANGE_TASK:
                mailing.mail_email_change(
                    session, user_id=given["user_id"], email=given["mailbox"], key=job_id
                )
            else:
                mailing.mail_registration(session, NewUser(**given["registrant"]), key=job_id)
            session.execute(update(Job).where(Job.id == job_id).values(task="done.before"))


def mails() -> list[tuple[str, str, str]]:
    """Whom each mail is for, what about, and what it says; without those of no concern here."""
    with reading() as session:
        rows = session.scalars(select(Delivery).order_by(Delivery.id)).all()
        return [(one.recipient, one.subject, unseal(one.content["text"])) for one in rows]


def token_for(email: str = ANN) -> str:
    """The token of the last mail to that address."""
    do_what_was_asked()
    return next(
        found[0] for to, _, text in reversed(mails()) if to == email and (found := TOKEN.search(text))
    )


def let_all_expire() -> None:
    with transaction() as session:
        session.execute(update(MailedLink).values(expires_at=clock(-1)))


def end_pauses() -> None:
    with transaction() as session:
        session.execute(update(SignInAttempts).values(paused_until=clock(-1)))

"""Mails with links, made by workers: what a request is answered does not depend on who is registered.

Nothing here commits. Each mail has the key of the job that asked for it, and is sent once.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.accounts.links import service
from app.domains.accounts.links.service import LIFETIMES, Target
from app.domains.accounts.models import Purpose, User
from app.outbound.mail.service import queue_mail
from app.settings.config import settings
from app.values.email_addresses import key_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.domains.accounts.service import NewUser

#: The pages below GROUNDWORK_PUBLIC_URL. A fragment stays in the browser, and out of every log.
PAGES = {
    Purpose.PASSWORD_RESET: "password-reset",
    Purpose.REGISTRATION: "confirm-registration",
    Purpose.EMAIL_CHANGE: "confirm-email",
}


def mail_password_reset(session: Session, *, email: str, key: str) -> int | None:
    """Mail whoever signs in with that address a link; the delivery's id, if there is such a user."""
    user = _at(session, email)
    if user is None or not user.may_sign_in:
        return None
    target = Target(purpose=Purpose.PASSWORD_RESET, email=user.email, user_id=user.id)
    token = service.make(session, target, whom=f"user {user.id}")
    return _mail_link(session, target, token=token, key=key)


def mail_registration(session: Session, new: NewUser, *, key: str) -> int:
    """Mail a link to somebody who wants to register, or tell whom the address belongs to already."""
    owner = _at(session, new.email)
    if owner is not None:
        return _tell_owner(session, owner, key=key)
    target = Target(purpose=Purpose.REGISTRATION, email=new.email, details=asdict(new))
    whom = hashlib.sha256(key_of(new.email).encode()).hexdigest()
    return _mail_link(session, target, token=service.make(session, target, whom=whom), key=key)


def mail_email_change(session: Session, *, user_id: int, email: str, key: str) -> int | None:
    """Mail a link to the address that a user wants to have, and word of that to the one they have."""
    user = session.get_one(User, user_id)
    owner = _at(session, email)
    if owner is not None and owner.id != user.id:
        return _tell_owner(session, owner, key=key)
    if not user.may_sign_in:
        return None
    tell_old_address(session, user, email=email, is_done=False, key=f"{key}:old")
    target = Target(purpose=Purpose.EMAIL_CHANGE, email=email, user_id=user.id)
    return _mail_link(session, target, token=service.make(session, target, whom=f"user {user.id}"), key=key)


def tell_old_address(session: Session, user: User, *, email: str, is_done: bool, key: str) -> None:
    """Mail to the address that a user has now that it is to be another one, or is one already."""
    context = {"name": user.name, "email": email, "is_done": is_done}
    queue_mail(session, key=key, to=[user.email], template="accounts/email_change_notice", context=context)


def _mail_link(session: Session, target: Target, *, token: str, key: str) -> int:
    base = settings().public_url
    context = {
        "link": f"{base}/{PAGES[target.purpose]}#token={token}" if base else None,
        "token": token,
        "hours": round(LIFETIMES[target.purpose].total_seconds() / 3600),
    }
    template = f"accounts/{target.purpose}"
    return queue_mail(session, key=key, to=[target.email], template=template, context=context, sealed=True)


def _tell_owner(session: Session, owner: User, *, key: str) -> int:
    context = {"name": owner.name}
    return queue_mail(session, key=key, to=[owner.email], template="accounts/address_in_use", context=context)


def _at(session: Session, email: str) -> User | None:
    return session.scalar(select(User).where(User.email_key == key_of(email)))

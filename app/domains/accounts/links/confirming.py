"""What comes of a link that is used. Nothing here commits: the caller's transaction decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from app.domains.accounts import administration
from app.domains.accounts.errors import EmailTaken
from app.domains.accounts.links import service
from app.domains.accounts.links.errors import UnusableLink
from app.domains.accounts.links.mailing import tell_old_address
from app.domains.accounts.models import Purpose, User
from app.domains.accounts.roles import Role
from app.domains.accounts.service import NewUser
from app.domains.accounts.sessions import lockout
from app.values.email_addresses import key_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def owner_of(session: Session, *, token: str) -> User:
    """Whose password a link is there to change. Raises `UnusableLink`."""
    return _owner(session, service.find(session, purpose=Purpose.PASSWORD_RESET, token=token).user_id)


def reset_password(session: Session, *, token: str, password_hash: str) -> None:
    """Make `password_hash` the password of whom the token was mailed to; all their sessions end."""
    user = _owner(session, service.use(session, purpose=Purpose.PASSWORD_RESET, token=token).user_id)
    administration.set_password(session, user_id=user.id, password_hash=password_hash)
    # Whoever reads the mailbox is the right person, and need not wait for what strangers have tried.
    lockout.forget(session, email_key=user.email_key)


def change_email(session: Session, *, token: str) -> None:
    """Give a user the address to which the token was mailed. Raises `UnusableLink`."""
    target = service.use(session, purpose=Purpose.EMAIL_CHANGE, token=token)
    user = _owner(session, target.user_id)
    key = f"email-changed:{user.id}:{service.digest_of(token)}"
    tell_old_address(session, user, email=target.email, is_done=True, key=key)
    # A link that went to the old address is its owner's no more.
    service.void(session, user_id=user.id)
    user.email, user.email_key = target.email, key_of(target.email)
    try:
        session.flush()
    except IntegrityError:
        # Somebody else has got the address since.
        raise UnusableLink from None


def register(session: Session, *, token: str, password_hash: str) -> None:
    """Make somebody a user who signs in, at the address to which the token was mailed."""
    target = service.use(session, purpose=Purpose.REGISTRATION, token=token)
    try:
        new = NewUser(**(target.details or {}))
        administration.create_user(session, new, role=Role.VIEWER, password_hash=password_hash)
    except EmailTaken:
        raise UnusableLink from None


def _owner(session: Session, user_id: int | None) -> User:
    user = session.get(User, user_id) if user_id is not None else None
    if user is None or not user.may_sign_in:
        raise UnusableLink
    return user

"""What an operator does with those who sign in. Nothing here commits: the caller's transaction decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.db.clock import clock, now
from app.db.upsert import insert_or_update
from app.domains.accounts import service
from app.domains.accounts.errors import AddressNotFound
from app.domains.accounts.links import service as links
from app.domains.accounts.models import Password, User
from app.domains.accounts.passwords.hashing import hash_password
from app.domains.accounts.passwords.rules import prepared, refuse_weak
from app.domains.accounts.sessions import service as sessions
from app.values.email_addresses import key_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.domains.accounts.roles import Role
    from app.domains.accounts.service import NewUser


def hash_chosen(password: str, *, email: str, name: str) -> str:
    """The hash of a password that somebody chose. Raises unless it may be chosen.

    It takes a while: call it before there is a transaction.
    """
    form = prepared(password)
    refuse_weak(form, about=(email, name))
    return hash_password(form)


def create_user(session: Session, new: NewUser, *, role: Role, password_hash: str) -> User:
    """Make a user who signs in. Raises `EmailTaken`."""
    user = service.register(session, new)
    user.role = role
    set_password(session, user_id=user.id, password_hash=password_hash)
    session.flush()
    return user


def set_password(session: Session, *, user_id: int, password_hash: str, but: str | None = None) -> None:
    """Make `password_hash` the only one that the user signs in with; all sessions end, `but` one perhaps.

    So do the links that were mailed: whoever got in may have asked for some.
    """
    values = {"password_hash": password_hash, "changed_at": clock()}
    statement = insert_or_update(session, Password).values(user_id=user_id, **values)
    session.execute(statement.on_conflict_do_update(index_elements=[Password.user_id], set_=values))
    sessions.end_all(session, user_id=user_id, but=but)
    links.void(session, user_id=user_id)


def set_role(session: Session, *, email: str, role: Role) -> User:
    """Give the user with that address another role. Raises `AddressNotFound`."""
    user = user_at(session, email=email)
    user.role = role
    return user


def disable(session: Session, *, email: str) -> User:
    """Let the user with that address in no more; what they have stays. Raises `AddressNotFound`."""
    user = user_at(session, email=email)
    user.disabled_at = user.disabled_at or now(session)
    sessions.end_all(session, user_id=user.id)
    links.void(session, user_id=user.id)
    return user


def enable(session: Session, *, email: str) -> User:
    """Let a disabled user in again. Raises `AddressNotFound`."""
    user = user_at(session, email=email)
    user.disabled_at = None
    return user


def user_at(session: Session, *, email: str) -> User:
    """The user with that address, whatever the case. Raises `AddressNotFound`."""
    user = session.scalar(select(User).where(User.email_key == key_of(email)))
    if user is None:
        raise AddressNotFound(email=email)
    return user


def list_users(session: Session, *, role: Role | None) -> list[User]:
    """Those who have a role, or `role` alone, the newest first."""
    having = User.role.is_not(None) if role is None else User.role == role
    return list(session.scalars(select(User).where(having).order_by(User.id.desc())))

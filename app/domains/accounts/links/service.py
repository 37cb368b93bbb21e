"""Links: how they are made, used and made void. Nothing here commits: the caller's transaction decides.

A token is 256 random bits, of which the SHA-256 is stored. There is one link for each purpose and person at
most: a second one takes the place of the first.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select

from app.db.clock import clock
from app.db.upsert import insert_or_update
from app.domains.accounts.links.errors import UnusableLink
from app.domains.accounts.models import MailedLink, Purpose

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

LIFETIMES = {
    Purpose.PASSWORD_RESET: timedelta(hours=1),
    Purpose.REGISTRATION: timedelta(days=1),
    Purpose.EMAIL_CHANGE: timedelta(days=1),
    Purpose.SIGN_IN: timedelta(minutes=15),
}
_FORM = re.compile(r"gwl_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a link is for, and whom it was sent to; a user, or somebody who wants to be one."""

    purpose: Purpose
    email: str
    user_id: int | None = None
    #: What somebody who registers has said of themselves.
    details: dict[str, Any] | None = None


def make(session: Session, target: Target, *, whom: str) -> str:
    """The token of a new link, which takes the place of an earlier one for `whom`."""
    token = f"gwl_{secrets.token_urlsafe(32)}"
    values = {
        "digest": digest_of(token),
        "user_id": target.user_id,
        "email": target.email,
        "details": target.details,
        "expires_at": clock(LIFETIMES[target.purpose].total_seconds()),
    }
    name = f"{target.purpose} {whom}"
    statement = insert_or_update(session, MailedLink).values(id=name, purpose=target.purpose, **values)
    session.execute(statement.on_conflict_do_update(index_elements=[MailedLink.id], set_=values))
    return token


def find(session: Session, *, purpose: Purpose, token: str) -> Target:
    """What the link with `token` is for, which stays. Raises `UnusableLink`."""
    link = session.scalar(select(MailedLink).where(*_good(purpose, token)))
    if link is None:
        raise UnusableLink
    return _target(link)


def use(session: Session, *, purpose: Purpose, token: str) -> Target:
    """What the link with `token` is for, which is good no more. Raises `UnusableLink`."""
    # Of two at once, one waits here for the other, and then finds none.
    link = session.scalar(delete(MailedLink).where(*_good(purpose, token)).returning(MailedLink))
    if link is None:
        raise UnusableLink
    return _target(link)


def void(session: Session, *, user_id: int) -> None:
    """Make all links of a user good for nothing."""
    session.execute(delete(MailedLink).where(MailedLink.user_id == user_id))


def _good(purpose: Purpose, token: str) -> tuple[ColumnElement[bool], ...]:
    if not _FORM.fullmatch(token):
        raise UnusableLink
    return (
        MailedLink.digest == digest_of(token),
        MailedLink.purpose == purpose,
        MailedLink.expires_at > clock(),
    )


def _target(link: MailedLink) -> Target:
    return Target(purpose=Purpose(link.purpose), email=link.email, user_id=link.user_id, details=link.details)


def digest_of(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()

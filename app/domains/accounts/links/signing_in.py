"""Links with which somebody signs in once, made on the host. Nothing here commits: the caller decides."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from app.domains.accounts import administration
from app.domains.accounts.links import service
from app.domains.accounts.links.errors import MayNotSignIn, UnusableLink, UnusableSignInLink
from app.domains.accounts.links.service import Target
from app.domains.accounts.models import Purpose, User
from app.domains.audit.service import note_operation
from app.settings.config import settings
from app.settings.kinds import in_url, reachable

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

#: The console's page that takes them.
PAGE = "/console/sign-in/link"
LIFETIME = service.LIFETIMES[Purpose.SIGN_IN]


def make(session: Session, *, email: str, made_by: str) -> str:
    """The token of a link for the user with that address, which an earlier one gives way to.

    Raises `AddressNotFound` or `MayNotSignIn`.
    """
    user = administration.user_at(session, email=email)
    if not user.may_sign_in:
        raise MayNotSignIn(email=email)
    path = f"users/{user.id}/sign-in-link"
    note_operation(session, title="Make a sign-in link", path=path, user_name=made_by)
    target = Target(purpose=Purpose.SIGN_IN, email=user.email, user_id=user.id)
    return service.make(session, target, whom=f"user {user.id}")


def console_url() -> str:
    """Where the console of this host is, as far as the host knows: the proxy goes by its full name."""
    given = settings()
    if given.release == "dev":
        return f"http://{in_url(reachable(given.api_host))}:{given.api_port}"
    return f"https://{socket.getfqdn()}"


def address_of(token: str, *, console: str) -> str:
    """Where a browser goes with it, at the console of the host `console`."""
    return f"{console}{PAGE}?token={token}"


def whose(session: Session, *, token: str) -> User:
    """Who would sign in with it; it stays good. Raises `UnusableSignInLink`."""
    try:
        return _owner(session, service.find(session, purpose=Purpose.SIGN_IN, token=token))
    except UnusableLink:
        raise UnusableSignInLink from None


def use(session: Session, *, token: str) -> User:
    """Who signs in with it; it is good no more. Raises `UnusableSignInLink`."""
    try:
        return _owner(session, service.use(session, purpose=Purpose.SIGN_IN, token=token))
    except UnusableLink:
        raise UnusableSignInLink from None


def _owner(session: Session, target: Target) -> User:
    user = session.get(User, target.user_id)
    if user is None or not user.may_sign_in:
        raise UnusableLink
    return user

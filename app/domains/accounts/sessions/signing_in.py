"""Checks a password: the same work, in the same order, whether there is such a user or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from anyio import CapacityLimiter, to_thread
from sqlalchemy import select, update
from starlette.concurrency import run_in_threadpool

from app.db.sessions import reading, transaction
from app.domains.accounts import administration
from app.domains.accounts.models import Password, User
from app.domains.accounts.passwords.hashing import hash_password, is_outdated, matches
from app.domains.accounts.passwords.rules import prepared
from app.domains.accounts.sessions import lockout
from app.domains.accounts.sessions.errors import SigningInBusy, SignInRefused, WrongCurrentPassword
from app.values.email_addresses import key_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.domains.accounts.sessions.lockout import Counted

#: So many passwords are hashed at once in a process: each takes 19 MiB, and a processor of the host's.
HASHED_AT_ONCE = CapacityLimiter(2)
#: More would wait for longer than a few seconds.
MAX_WAITING = 64


@dataclass(frozen=True, kw_only=True)
class _Attempt:
    """Who tries to sign in, as far as there is such a user, and what counts it."""

    who: Counted
    user_id: int | None = None
    password_hash: str | None = field(default=None, repr=False)
    may_sign_in: bool = False


async def sign_in_with_password(*, email: str, password: str, network: str) -> int:
    """The id of the user whose password it is.

    Raises `SignInRefused`, `TooManyAttempts`, `SigningInBusy`, or `UnusablePassword` for what is none.
    """
    form = prepared(password)
    if HASHED_AT_ONCE.statistics().tasks_waiting >= MAX_WAITING:
        raise SigningInBusy
    attempt = await run_in_threadpool(_begin, key_of(email), network)
    is_right = await to_thread.run_sync(
        partial(matches, form, stored=attempt.password_hash), limiter=HASHED_AT_ONCE
    )
    if not is_right or not attempt.may_sign_in or attempt.user_id is None:
        raise SignInRefused
    await run_in_threadpool(_succeed, attempt.who)
    if is_outdated(attempt.password_hash):
        renewed = await to_thread.run_sync(hash_password, form, limiter=HASHED_AT_ONCE)
        await run_in_threadpool(_renew, attempt, renewed)
    return attempt.user_id


async def check_current_password(*, email: str, password: str, network: str) -> None:
    """Raise `WrongCurrentPassword` unless it is that of the user with that address, who has signed in."""
    try:
        await sign_in_with_password(email=email, password=password, network=network)
    except SignInRefused:
        raise WrongCurrentPassword from None


async def hash_of_chosen(password: str, *, email: str, name: str) -> str:
    """What is stored of a password that somebody chose. Raises unless it may be chosen."""
    work = partial(administration.hash_chosen, password, email=email, name=name)
    return await to_thread.run_sync(work, limiter=HASHED_AT_ONCE)


def _begin(email_key: str, network: str) -> _Attempt:
    with reading() as session:
        attempt = _attempt(session, email_key=email_key, network=network)
        lockout.refuse_paused(session, attempt.who)
    with transaction() as session:
        lockout.count(session, attempt.who)
    return attempt


def _attempt(session: Session, *, email_key: str, network: str) -> _Attempt:
    rows = select(User.id, User.role, User.disabled_at, Password.password_hash)
    row = session.execute(
        rows.outerjoin(Password, Password.user_id == User.id).where(User.email_key == email_key)
    ).one_or_none()
    if row is None:
        return _Attempt(who=lockout.counted(session, email_key=email_key, user_id=None, network=network))
    return _Attempt(
        who=lockout.counted(session, email_key=email_key, user_id=row.id, network=network),
        user_id=row.id,
        password_hash=row.password_hash,
        may_sign_in=row.role is not None and row.disabled_at is None,
    )


def _succeed(who: Counted) -> None:
    with transaction() as session:
        lockout.take_back(session, who)


def _renew(attempt: _Attempt, password_hash: str) -> None:
    # Unless another password was chosen meanwhile.
    this = update(Password).where(
        Password.user_id == attempt.user_id, Password.password_hash == attempt.password_hash
    )
    with transaction() as session:
        session.execute(this.values(password_hash=password_hash))

"""Slows down whoever guesses passwords, and does not lock the right person out.

An attempt counts as failed before the password is looked at, so that many at once are counted as well, and
is taken back when it was right. After some that failed, each further one begins a pause that is twice as long
as the last, for the account and for the address that asks; no pause is longer than `MAX_PAUSE`. An account
counts apart what comes from an address where its owner has signed in before (NIST SP 800-63B-4, 3.2.2): the
pauses that strangers cause elsewhere do not hold there. Accounts that do not exist pause alike.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import case, delete, select, update

from app.db.clock import moving_clock, now
from app.db.upsert import insert_or_update
from app.domains.accounts.models import SignInAttempts, SignInSession
from app.domains.accounts.sessions.errors import TooManyAttempts

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

#: An account has a few people behind it at most, an address a whole office.
FREE_FOR_ACCOUNT = 5
FREE_FOR_ADDRESS = 20
MAX_PAUSE = timedelta(minutes=15)
#: What failed is forgotten when nothing failed for so long.
FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Who tries: what is counted for the account, and for the address."""

    account: str
    address: str


def counted(session: Session, *, email_key: str, user_id: int | None, network: str) -> Counted:
    """What an attempt to sign in counts for."""
    account = account_counter(email_key)
    if user_id is not None and _is_known(session, user_id=user_id, network=network):
        account = f"{account} at {network}"
    return Counted(account=account, address=f"address {network}")


def refuse_paused(session: Session, who: Counted) -> None:
    """Raise `TooManyAttempts` while there is a pause; it costs no write."""
    names = (who.account, who.address)
    paused = select(SignInAttempts.paused_until).where(SignInAttempts.id.in_(names))
    ends = session.scalars(paused).all()
    # Looked at after them, or what another attempt has written meanwhile would seem to lie ahead.
    moment = now(session)
    _refuse(max(ends, default=moment), moment=moment)


def count(
    session: Session,
    who: Counted,
    *,
    free_for_address: int = FREE_FOR_ADDRESS,
    free_for_account: int = FREE_FOR_ACCOUNT,
) -> None:
    """Count an attempt as failed. Raises `TooManyAttempts` when another one has begun a pause."""
    # Always in this order: two that wait for each other would wait in vain.
    _count(session, who.address, free=free_for_address)
    _count(session, who.account, free=free_for_account)


def take_back(session: Session, who: Counted) -> None:
    """Say that the attempt last counted was right. Others from the address, which may be a crowd, stay."""
    this = update(SignInAttempts).where(SignInAttempts.id == who.address)
    session.execute(this.values(failures=SignInAttempts.failures - 1, paused_until=SignInAttempts.last_at))
    session.execute(delete(SignInAttempts).where(SignInAttempts.id == who.account))


def forget(session: Session, *, email_key: str) -> None:
    """Forget what failed for an account, from wherever it was tried."""
    session.execute(delete(SignInAttempts).where(SignInAttempts.id.startswith(account_counter(email_key))))


def account_counter(email_key: str) -> str:
    """How the names of what is counted for an account begin."""
    # What was typed in the field of the address may have been a password.
    return f"account {hashlib.sha256(email_key.encode()).hexdigest()}"


def _is_known(session: Session, *, user_id: int, network: str) -> bool:
    here = select(SignInSession.id).where(SignInSession.user_id == user_id, SignInSession.address == network)
    return session.scalar(here.limit(1)) is not None


def _count(session: Session, name: str, *, free: int) -> None:
    table = SignInAttempts
    forgotten = table.last_at < moving_clock(-FORGOTTEN_AFTER.total_seconds())
    failures = case((forgotten, 1), else_=table.failures + 1)
    pauses = case(_pauses(free), value=failures, else_=int(MAX_PAUSE.total_seconds()))
    first = insert_or_update(session, table).values(
        id=name, failures=1, paused_until=moving_clock(), last_at=moving_clock()
    )
    again = first.on_conflict_do_update(
        index_elements=[table.id],
        set_={"failures": failures, "paused_until": moving_clock(pauses), "last_at": moving_clock()},
        where=table.paused_until <= moving_clock(),
    )
    if session.scalar(again.returning(table.id)) is None:
        ends = session.scalars(select(table.paused_until).where(table.id == name)).one()
        _refuse(ends, moment=now(session))


def _pauses(free: int) -> dict[int, int]:
    """The seconds of the pause after so many failures, as far as they are not yet the longest."""
    pauses = dict.fromkeys(range(1, free + 1), 0)
    seconds = 1
    while seconds < MAX_PAUSE.total_seconds():
        pauses[max(pauses) + 1] = seconds
        seconds *= 2
    return pauses


def _refuse(ends: datetime, *, moment: datetime) -> None:
    if ends > moment:
        raise TooManyAttempts(seconds=math.ceil((ends - moment).total_seconds()))

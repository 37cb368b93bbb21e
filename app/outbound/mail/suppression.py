"""Addresses that get no mail any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from app.db.clock import now
from app.db.upsert import insert_or_update
from app.errors import NotFound
from app.outbound.mail.models import Suppression
from app.values.email_addresses import key_of, wire_form

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.orm import Session


class NotSuppressed(NotFound):
    """Raised when an address is to get mail again that gets it already."""

    code = "not_suppressed"

    def __init__(self, *, address: str) -> None:
        super().__init__(f"{address} is not suppressed.")


def suppress(session: Session, *, address: str, reason: str) -> None:
    """Send no mail to `address` from now on; the first reason stays. Raises `CannotBeAddressed`."""
    wire_form(address)
    statement = insert_or_update(session, Suppression).values(
        address=key_of(address), reason=reason, created_at=now(session)
    )
    session.execute(statement.on_conflict_do_nothing())


def lift(session: Session, *, address: str) -> None:
    """Let mail go to `address` again."""
    gone = delete(Suppression).where(Suppression.address == key_of(address)).returning(Suppression.address)
    if session.scalar(gone) is None:
        raise NotSuppressed(address=address)


def suppressed(session: Session) -> Sequence[Suppression]:
    """All suppressed addresses."""
    return session.scalars(select(Suppression).order_by(Suppression.address)).all()


def reachable(session: Session, addresses: Iterable[str]) -> list[str]:
    """Those of `addresses` that may get mail, in their order."""
    wanted = list(addresses)
    found = select(Suppression.address).where(Suppression.address.in_([key_of(one) for one in wanted]))
    closed = set(session.scalars(found))
    return [address for address in wanted if key_of(address) not in closed]

"""The devices of users that take push messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Text, func, select, type_coerce
from sqlalchemy.orm.attributes import flag_modified

from app.db.clock import clock
from app.db.encryption import ALIKE
from app.db.upsert import insert_or_update
from app.domains.accounts.service import find_user
from app.domains.notifications.errors import EndpointNotFound, TooManyEndpoints
from app.domains.notifications.models import ADDRESSES, Platform, PushEndpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint


MAX_DEVICES = 20
PART = 500
#: An address as the database has it.
STORED = type_coerce(PushEndpoint.address, Text)


def devices_of(session: Session, *, user_id: int) -> Sequence[PushEndpoint]:
    """The user's devices, those included that are gone. Raises `UserNotFound`."""
    find_user(session, user_id=user_id)
    statement = select(PushEndpoint).where(PushEndpoint.user_id == user_id)
    return session.scalars(statement.order_by(PushEndpoint.id)).all()


def register(session: Session, *, user_id: int, platform: Platform, address: str) -> PushEndpoint:
    """Make a device the user's. A known one is taken over: somebody else signed in on it, or it is back.

    Raises `UserNotFound` or `TooManyEndpoints`.
    """
    find_user(session, user_id=user_id)
    _encrypt(session, PushEndpoint.id.in_(_stored_otherwise(address)))
    values = {"user_id": user_id, "platform": platform, "disabled_at": None}
    statement = insert_or_update(session, PushEndpoint).values(address=address, created_at=clock(), **values)
    known = [PushEndpoint.address]
    endpoint_id = session.scalars(
        statement.on_conflict_do_update(index_elements=known, set_=values).returning(PushEndpoint.id)
    ).one()
    count = select(func.count()).select_from(PushEndpoint).where(PushEndpoint.user_id == user_id)
    if (session.scalar(count) or 0) > MAX_DEVICES:
        raise TooManyEndpoints(user_id=user_id, most=MAX_DEVICES)
    return session.get_one(PushEndpoint, endpoint_id, populate_existing=True)


def forget(session: Session, *, user_id: int, endpoint_id: int) -> None:
    """Send nothing to a device any more. Raises `EndpointNotFound`."""
    found = session.get(PushEndpoint, endpoint_id)
    if found is None or found.user_id != user_id:
        raise EndpointNotFound(endpoint_id=endpoint_id, user_id=user_id)
    session.delete(found)


def encrypt_all(session: Session, *, commit: Checkpoint) -> int:
    """Encrypt what releases stored in clear that did not encrypt yet; how many."""
    total = 0
    while done := _encrypt(session, PushEndpoint.id.in_(_in_clear().limit(PART))):
        total += done
        commit()
    return total


def _in_clear() -> Select[int]:
    """Devices whose address is stored in clear."""
    return select(PushEndpoint.id).where(STORED.not_like(f"{ALIKE}%")).order_by(PushEndpoint.id)


def _stored_otherwise(address: str) -> Select[int]:
    """The device with this address, if it is stored in clear or under another key."""
    return select(PushEndpoint.id).where(STORED.in_(ADDRESSES.outdated(address)))


def _encrypt(session: Session, which: ColumnElement[bool]) -> int:
    found = session.scalars(select(PushEndpoint).where(which)).all()
    for device in found:
        # It reads the same, and is written as it is to be stored.
        flag_modified(device, "address")
    session.flush()
    return len(found)

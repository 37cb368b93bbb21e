"""Issues licences for what was paid, and revokes them. Nothing here commits.

A key is 256 random bits: its SHA-256 is what it is looked up by, and it is sealed for whoever bought it.
"""

from __future__ import annotations

import hashlib
import secrets
from calendar import monthrange
from typing import TYPE_CHECKING

from sqlalchemy import update

from app.domains.marketplace.catalog.models import BillingPeriod
from app.domains.marketplace.licences.errors import LicenceNotFound
from app.domains.marketplace.licences.models import Licence
from app.jobs.accept import accept
from app.jobs.factory import new_job

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.domains.marketplace.orders.models import Order, OrderLine

MAIL_TASK = "marketplace.send_license_email"
#: `app.logs.masking` knows keys by it.
PREFIX = "gwk_"
_MONTHS = {BillingPeriod.MONTHLY: 1, BillingPeriod.YEARLY: 12}
_MONTHS_A_YEAR = 12


def issue(session: Session, order: Order, lines: Sequence[OrderLine], *, now: datetime) -> None:
    """Make the licences of an order that was just paid, and have each mailed."""
    issued = [_licence(order, line, now=now) for line in lines for _ in range(line.quantity)]
    session.add_all(issued)
    session.flush()
    accept(
        session,
        [new_job(MAIL_TASK, kwargs={"license_id": one.id}, key=f"licence-mail:{one.id}") for one in issued],
    )


def revoke(session: Session, *, licence_id: int, now: datetime) -> Licence:
    """Make a licence good for nothing, once. Raises `LicenceNotFound`."""
    licence = session.get(Licence, licence_id, with_for_update={"key_share": True}, populate_existing=True)
    if licence is None:
        raise LicenceNotFound(licence_id=licence_id)
    licence.revoked_at = licence.revoked_at or now
    return licence


def revoke_all(session: Session, *, order_id: int, now: datetime) -> None:
    """Make the licences of an order good for nothing."""
    good = (Licence.order_id == order_id) & Licence.revoked_at.is_(None)
    session.execute(update(Licence).where(good).values(revoked_at=now))


def digest_of(key: str) -> str:
    """What a key is looked up by."""
    return hashlib.sha256(key.encode()).hexdigest()


def end_of(period: str, *, begins: datetime) -> datetime | None:
    """When a licence ends that begins then; on the last day of a month that has no such day."""
    months = _MONTHS.get(BillingPeriod(period))
    if months is None:
        return None
    year, month = divmod(begins.year * _MONTHS_A_YEAR + begins.month - 1 + months, _MONTHS_A_YEAR)
    day = min(begins.day, monthrange(year, month + 1)[1])
    return begins.replace(year=year, month=month + 1, day=day)


def _licence(order: Order, line: OrderLine, *, now: datetime) -> Licence:
    key = f"{PREFIX}{secrets.token_urlsafe(32)}"
    return Licence(
        order_id=order.id,
        position=line.position,
        model_id=line.model_id,
        user_id=order.user_id,
        digest=digest_of(key),
        key=key,
        max_activations=line.max_activations,
        issued_at=now,
        expires_at=end_of(line.period, begins=now),
    )

"""How the connection to a bank is, and telling the household's admins when that changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.banking.errors import ItemNotFound
from app.domains.banking.models import HouseholdMember, ItemStatus, PlaidItem, Role
from app.domains.banking.sync.applying import mark_failed
from app.domains.notifications.service import notify

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

#: Connections that give nothing until their user has mended them.
BROKEN = frozenset({ItemStatus.LOGIN_REQUIRED, ItemStatus.ERROR})
#: Plaid's codes for a permission that was taken back: no signing in mends it.
REVOKED_CODES = frozenset({"USER_PERMISSION_REVOKED", "ITEM_NOT_FOUND"})
LOGIN_CODES = frozenset({"ITEM_LOGIN_REQUIRED", "INVALID_CREDENTIALS", "INVALID_MFA"})


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something that the admins of a household are told once per `key`."""

    key: str
    type: str
    title: str
    body: str


def locked(session: Session, *, item_id: int) -> PlaidItem:
    """The item, held until the transaction ends. Raises `ItemNotFound`."""
    statement = select(PlaidItem).where(PlaidItem.id == item_id).with_for_update()
    item = session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
    if item is None:
        raise ItemNotFound(item_id=item_id)
    return item


def broken(session: Session, item: PlaidItem, *, reason: str, now: datetime) -> None:
    """Note that the connection needs its user, and tell the admins once per break."""
    if reason in REVOKED_CODES:
        revoked(session, item, reason=reason, now=now)
    if item.status == ItemStatus.REVOKED:
        return
    item.status = ItemStatus.LOGIN_REQUIRED if reason in LOGIN_CODES else ItemStatus.ERROR
    item.error = reason
    mark_failed(session, item_id=item.id, reason=f"{bank(item)} asks for a new sign-in ({reason}).")
    _tell_admins(
        session,
        item,
        Notice(
            key=f"relink:{item.id}:{item.repairs}",
            type="bank_relink",
            title=f"Sign in to {bank(item)} again",
            body=f"{bank(item)} sends no new transactions until you sign in again ({reason}).",
        ),
    )


def expiring(session: Session, item: PlaidItem, *, reason: str) -> None:
    """Note that the connection will break before long, and tell the admins once."""
    if item.status != ItemStatus.ACTIVE:
        return
    item.status, item.error = ItemStatus.EXPIRING, reason
    _tell_admins(
        session,
        item,
        Notice(
            key=f"expiring:{item.id}:{item.repairs}",
            type="bank_relink",
            title=f"Renew the connection to {bank(item)}",
            body=f"The connection to {bank(item)} ends soon. Renew it to keep getting transactions.",
        ),
    )


def revoked(session: Session, item: PlaidItem, *, reason: str, now: datetime) -> None:
    """Note that the user took the permission back, which is final, and tell the admins once."""
    if item.status == ItemStatus.REVOKED:
        return
    item.status, item.error = ItemStatus.REVOKED, reason
    mark_failed(session, item_id=item.id, reason=f"Access to {bank(item)} was revoked.")
    _tell_admins(
        session,
        item,
        Notice(
            key=f"revoked:{item.id}",
            type="bank_relink",
            title=f"{bank(item)} is no longer connected",
            body=f"Access to {bank(item)} was revoked on {now.date()}. "
            "Link the bank again to get new transactions.",
        ),
    )


def repaired(session: Session, item: PlaidItem, *, now: datetime) -> bool:
    """Make a connection active again, and tell the admins once; False where it was not broken."""
    if item.status in (ItemStatus.ACTIVE, ItemStatus.REVOKED):
        return False
    item.status, item.error = ItemStatus.ACTIVE, None
    item.repairs += 1
    _tell_admins(
        session,
        item,
        Notice(
            key=f"repaired:{item.id}:{item.repairs}",
            type="bank_repaired",
            title=f"{bank(item)} is connected again",
            body=f"Since {now:%Y-%m-%d %H:%M} UTC {bank(item)} sends new transactions again.",
        ),
    )
    return True


def new_accounts(session: Session, item: PlaidItem, *, now: datetime) -> None:
    """Tell the admins, once a day at most, that the bank has accounts to be added."""
    _tell_admins(
        session,
        item,
        Notice(
            key=f"new-accounts:{item.id}:{now.date()}",
            type="bank_new_accounts",
            title=f"New accounts at {bank(item)}",
            body=f"{bank(item)} has accounts that are not linked yet. Open the bank's page to add them.",
        ),
    )


def incomplete(session: Session, item: PlaidItem, *, since: datetime) -> None:
    """Tell the admins, once until all is well again, that rows of the bank are set aside."""
    _tell_admins(
        session,
        item,
        Notice(
            key=f"set-aside:{item.id}:{since.isoformat()}",
            type="bank_set_aside",
            title=f"Some data of {bank(item)} could not be stored",
            body=f"Some of what {bank(item)} sent cannot be stored as it is, and is missing from accounts "
            "and budgets. The rest is up to date. Open the bank's page to see what it is, and why.",
        ),
    )


def bank(item: PlaidItem) -> str:
    """What to call the bank of an item."""
    return item.institution or "Your bank"


def _tell_admins(session: Session, item: PlaidItem, notice: Notice) -> None:
    # What is told goes out with the new state of the item, or not at all.
    session.flush()
    admins = select(HouseholdMember.user_id).where(
        HouseholdMember.household_id == item.household_id, HouseholdMember.role == Role.ADMIN
    )
    for user_id in session.scalars(admins.order_by(HouseholdMember.user_id)).all():
        notify(
            session,
            key=f"{notice.key}:{user_id}",
            user_id=user_id,
            type=notice.type,
            title=notice.title,
            body=notice.body,
            data={"item_id": item.id, "household_id": item.household_id},
        )

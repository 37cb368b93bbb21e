"""Households, the banks they link, and asking for syncs. Nothing here commits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.db.upsert import insert_or_update
from app.domains.accounts.service import known_users, person
from app.domains.banking import connection
from app.domains.banking.errors import (
    HouseholdNotFound,
    ItemBroken,
    LinkedElsewhere,
    NotAMember,
    PlaidRefused,
    PlaidUnavailable,
    UnknownUsers,
)
from app.domains.banking.models import Household, HouseholdMember, ItemStatus, PlaidItem, Role
from app.domains.banking.sync.applying import put_accounts
from app.domains.banking.sync.requests import request_sync

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.domains.accounts.facts import Person
    from app.domains.banking.facts import AccountFacts, Grant, LinkToken
    from app.domains.banking.plaid.client import Plaid


def create_household(
    session: Session,
    *,
    name: str,
    currency: str,
    members: Mapping[int, Role],
    only_user: int | None = None,
    now: datetime,
) -> Household:
    """A household of users, each with a role. Raises `UnknownUsers`; for `only_user`, others are none."""
    nameable = set(members) if only_user is None else {only_user} & set(members)
    unknown = set(members) - known_users(session, nameable)
    if unknown:
        raise UnknownUsers(user_ids=unknown)
    household = Household(name=name, currency=currency, created_at=now)
    session.add(household)
    session.flush()
    session.add_all(
        HouseholdMember(household_id=household.id, user_id=user_id, role=role)
        for user_id, role in members.items()
    )
    session.flush()
    return household


def household_of(session: Session, *, household_id: int) -> Household:
    """The household. Raises `HouseholdNotFound`."""
    found = session.get(Household, household_id)
    if found is None:
        raise HouseholdNotFound(household_id=household_id)
    return found


def member(session: Session, *, household_id: int, user_id: int, only_user: int | None = None) -> Person:
    """The user, as a member of the household. Raises `HouseholdNotFound` and `NotAMember`.

    `only_user` acts for nobody else, and is not told who the other members are.
    """
    household_of(session, household_id=household_id)
    found = session.get(HouseholdMember, (household_id, user_id))
    if found is None or only_user not in (None, user_id):
        raise NotAMember(user_id=user_id, household_id=household_id)
    return person(session, user_id=user_id)


def link_token(plaid: Plaid, *, user: Person, country: str, item: PlaidItem | None) -> LinkToken:
    """What opens Plaid Link for a user: to link a bank, or to repair the connection `item`."""
    return plaid.link_token(
        user_id=str(user.id),
        language=user.locale.partition("-")[0].lower() or "en",
        country=country,
        access_token=item.access_token if item else None,
    )


def describe(plaid: Plaid, grant: Grant) -> tuple[str, Sequence[AccountFacts]]:
    """The bank's name and the accounts behind a grant; nothing where Plaid cannot say it now.

    The grant is worth more than its description: it is stored in any case, and the first sync asks again.
    """
    try:
        return (
            plaid.item(access_token=grant.access_token).institution,
            plaid.accounts(access_token=grant.access_token).facts,
        )
    except (PlaidUnavailable, PlaidRefused):
        return "", ()


def store_item(
    session: Session,
    *,
    household_id: int,
    grant: Grant,
    institution: str,
    accounts: Sequence[AccountFacts],
    now: datetime,
) -> PlaidItem:
    """Store a linked bank with its accounts, and ask for its first sync; once, however often it is called."""
    household_of(session, household_id=household_id)
    statement = insert_or_update(session, PlaidItem).values(
        household_id=household_id,
        item_id=grant.item_id,
        access_token=grant.access_token,
        institution=institution,
        syncs=0,
        status=ItemStatus.ACTIVE,
        repairs=0,
        created_at=now,
    )
    session.execute(statement.on_conflict_do_nothing(index_elements=[PlaidItem.item_id]))
    item = session.scalars(select(PlaidItem).where(PlaidItem.item_id == grant.item_id)).one()
    if item.household_id != household_id:
        raise LinkedElsewhere
    put_accounts(session, item_id=item.id, accounts=accounts)
    request_sync(session, item)
    return item


def error_of(plaid: Plaid, *, access_token: str) -> str | None:
    """What is wrong with a connection by Plaid's own word, as its code; None while it works."""
    try:
        return plaid.item(access_token=access_token).error
    except ItemBroken as refused:
        return refused.reason


def judge(session: Session, *, item_id: int, error: str | None, now: datetime) -> PlaidItem:
    """Make the item as Plaid says it is: broken by `error`, or working."""
    item = connection.locked(session, item_id=item_id)
    if error is not None:
        connection.broken(session, item, reason=error, now=now)
    elif connection.repaired(session, item, now=now):
        request_sync(session, item)
    return item

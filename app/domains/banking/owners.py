"""Whose the things of a household are: its members see them, its admins change them."""

from __future__ import annotations

from http import HTTPStatus

from sqlalchemy import select

from app.domains.banking.errors import AccountNotFound, HouseholdNotFound, ItemNotFound
from app.domains.banking.models import BankAccount, HouseholdMember, PlaidItem, Role
from app.errors import GroundworkError
from app.tokens.memberships import Membership


class NotHouseholdAdmin(GroundworkError):
    """Raised when a member is to change what only an admin of the household changes."""

    status = HTTPStatus.FORBIDDEN
    code = "not_household_admin"

    def __init__(self) -> None:
        super().__init__("Members of a household see what is in it; only its admins change it. Ask one.")


_ROLES = select(HouseholdMember.role)
_AT_BANKS = _ROLES.join(PlaidItem, PlaidItem.household_id == HouseholdMember.household_id)
_AT_ACCOUNTS = _AT_BANKS.join(BankAccount, BankAccount.item_id == PlaidItem.id)
_IN_HOUSEHOLD = Membership(
    shared="household", user_id=HouseholdMember.user_id, admin=Role.ADMIN, not_admin=NotHouseholdAdmin
)

OF_MEMBERS, OF_ADMINS = _IN_HOUSEHOLD.owners(
    "household_id", lambda id_: _ROLES.where(HouseholdMember.household_id == id_), HouseholdNotFound
)
ITEM_OF_MEMBERS, ITEM_OF_ADMINS = _IN_HOUSEHOLD.owners(
    "item_id", lambda id_: _AT_BANKS.where(PlaidItem.id == id_), ItemNotFound
)
ACCOUNT_OF_MEMBERS, _ = _IN_HOUSEHOLD.owners(
    "account_id", lambda id_: _AT_ACCOUNTS.where(BankAccount.id == id_), AccountNotFound
)

"""Whose the things of a household are: its members see them, its admins change them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.db.sessions import reading
from app.domains.banking.errors import AccountNotFound, HouseholdNotFound, ItemNotFound
from app.domains.banking.models import BankAccount, HouseholdMember, PlaidItem, Role
from app.errors import GroundworkError
from app.tokens.owners import Owner

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Select

    from app.errors import NotFound


class NotHouseholdAdmin(GroundworkError):
    """Raised when a member is to change what only an admin of the household changes."""

    status = HTTPStatus.FORBIDDEN
    code = "not_household_admin"

    def __init__(self) -> None:
        super().__init__("Members of a household see what is in it; only its admins change it. Ask one.")


def _owner(parameter: str, of: Callable[[int], Select[Any]], absent: Callable[..., NotFound]) -> _Pair:
    """Of what has its id in the path at `parameter`; `of` gives the roles of its household's members."""

    def role_of(me: int, ids: dict[str, int]) -> str:
        with reading() as session:
            role: str | None = session.scalar(of(ids[parameter]).where(HouseholdMember.user_id == me))
        if role is None:
            raise absent(**ids)
        return role

    def refuse_strangers(me: int, /, **ids: int) -> None:
        role_of(me, ids)

    def refuse_members(me: int, /, **ids: int) -> None:
        if role_of(me, ids) != Role.ADMIN:
            raise NotHouseholdAdmin

    return (
        Owner(
            says="Members of the household, and administrators.",
            ids=(parameter,),
            refuse_others=refuse_strangers,
        ),
        Owner(
            says="Admins of the household, and administrators.",
            ids=(parameter,),
            refuse_others=refuse_members,
        ),
    )


_Pair = tuple[Owner, Owner]
_ROLES = select(HouseholdMember.role)
_AT_BANKS = _ROLES.join(PlaidItem, PlaidItem.household_id == HouseholdMember.household_id)
_AT_ACCOUNTS = _AT_BANKS.join(BankAccount, BankAccount.item_id == PlaidItem.id)

OF_MEMBERS, OF_ADMINS = _owner(
    "household_id", lambda id_: _ROLES.where(HouseholdMember.household_id == id_), HouseholdNotFound
)
ITEM_OF_MEMBERS, ITEM_OF_ADMINS = _owner(
    "item_id", lambda id_: _AT_BANKS.where(PlaidItem.id == id_), ItemNotFound
)
ACCOUNT_OF_MEMBERS, _ = _owner(
    "account_id", lambda id_: _AT_ACCOUNTS.where(BankAccount.id == id_), AccountNotFound
)

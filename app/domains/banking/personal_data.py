"""What banking holds about people: what their households have. What others share in stays theirs."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from sqlalchemy import Text, cast, func, literal, select
from sqlalchemy.orm import aliased

from app.domains.banking.models import (
    BankAccount,
    Bill,
    Budget,
    Category,
    Household,
    HouseholdMember,
    PlaidAnswer,
    PlaidItem,
    PlaidWebhook,
    Role,
    SetAside,
    Transaction,
)
from app.domains.banking.removing import end_all
from app.personal_data.declaration import (
    Anonymise,
    Declaration,
    Delete,
    Exemption,
    PersonalTable,
    Stage,
    Subject,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from app.db.columns import Base

    #: Given households, a condition for what belongs to them.
    Among = Callable[[Select[int]], ColumnElement[bool]]

SHARED = "Other people share in the household, and it is theirs, too."


def _own(who: Subject) -> Select[int]:
    return select(HouseholdMember.household_id).where(HouseholdMember.user_id == who.user_id)


def _shared(who: Subject) -> Select[int]:
    others = select(HouseholdMember.household_id).where(HouseholdMember.user_id != who.user_id)
    return others.where(HouseholdMember.household_id.in_(_own(who)))


def _items(households: Select[int]) -> Select[int]:
    return select(PlaidItem.id).where(PlaidItem.household_id.in_(households))


def _of_households(
    model: type[Base],
    among: Among,
    *,
    erasure: Delete | Anonymise | None = None,
    withheld: Mapping[str, str] = MappingProxyType({}),
    stage: Stage = Stage.CONTENT,
) -> PersonalTable:
    return PersonalTable(
        model=model,
        rows=lambda who: among(_own(who)),
        erasure=erasure or Delete(),
        withheld=withheld,
        but=Exemption(rows=lambda who: among(_shared(who)), reason=SHARED),
        stage=stage,
    )


def _among_accounts(households: Select[int]) -> ColumnElement[bool]:
    accounts = select(BankAccount.id).where(BankAccount.item_id.in_(_items(households)))
    return Transaction.account_id.in_(accounts)


def _among_webhooks(households: Select[int]) -> ColumnElement[bool]:
    ids = select(PlaidItem.item_id).where(PlaidItem.household_id.in_(households))
    return func.coalesce(PlaidWebhook.item_id, "").in_(ids)


def _obligations(session: Session, subject: Subject) -> Iterator[str]:
    """Households that others share in and nobody else runs."""
    admin = aliased(HouseholdMember)
    others = select(admin.user_id).where(
        admin.household_id == HouseholdMember.household_id,
        admin.role == Role.ADMIN,
        admin.user_id != subject.user_id,
    )
    alone = select(HouseholdMember.household_id).where(
        HouseholdMember.user_id == subject.user_id,
        HouseholdMember.role == Role.ADMIN,
        HouseholdMember.household_id.in_(_shared(subject)),
        ~others.exists(),
    )
    for household_id in session.scalars(alone.order_by(HouseholdMember.household_id)):
        yield (
            f"Household {household_id} has other members and no other admin; make one of them admin first."
        )


DECLARATION = Declaration(
    tables=(
        PersonalTable(
            model=HouseholdMember,
            rows=lambda who: HouseholdMember.user_id == who.user_id,
            erasure=Delete(),
            stage=Stage.MEMBERSHIPS,
        ),
        _of_households(Household, Household.id.in_, erasure=Anonymise({"name": "Erased"}), stage=Stage.ROOTS),
        _of_households(
            PlaidItem,
            PlaidItem.household_id.in_,
            withheld={"access_token": "It opens the accounts to whoever holds it."},
            stage=Stage.ROOTS,
        ),
        _of_households(
            PlaidAnswer,
            lambda of: PlaidAnswer.item_id.in_(_items(of)),
            withheld={
                "request": "It is the hash of a question with a secret in it.",
                "content": "It is what a bank answered in the middle of a sync, and comes to stand in "
                "bank_account and bank_transaction.",
            },
        ),
        _of_households(BankAccount, lambda of: BankAccount.item_id.in_(_items(of))),
        _of_households(
            Category,
            Category.household_id.in_,
            # They refer to each other, so that none of them is the one to go first.
            erasure=Anonymise({"name": literal("Erased ") + cast(Category.id, Text), "plaid_category": None}),
        ),
        _of_households(Transaction, _among_accounts),
        _of_households(SetAside, lambda of: SetAside.item_id.in_(_items(of))),
        _of_households(Bill, Bill.household_id.in_),
        _of_households(Budget, Budget.household_id.in_),
        _of_households(PlaidWebhook, _among_webhooks, withheld={"digest": "It is the hash of a signature."}),
    ),
    obligations=_obligations,
    # Banks of a household that others share in stay connected.
    sever=lambda session, who: end_all(
        session, PlaidItem.household_id.in_(_own(who)) & PlaidItem.household_id.not_in(_shared(who))
    ),
)

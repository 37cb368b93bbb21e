"""What the banking API takes and answers. Amounts are strings: a JSON number would be a float."""

from datetime import date, datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from app.domains.banking.facts import AsideKind
from app.domains.banking.models import BankAccount, ItemStatus, Role, Transaction
from app.jobs.ledger.models import State
from app.values.money import to_decimal
from app.values.patterned_text import CURRENCY, Patterned
from app.values.row_ids import RowId
from app.values.row_views import RowView
from app.values.strict_models import StrictModel
from app.values.text_fields import ONE_LINE

Name = Annotated[str, Field(min_length=1, max_length=200), ONE_LINE]


def _shown(minor: int | None, currency: str, scale: int | None) -> str | None:
    return None if minor is None else f"{to_decimal(minor, currency, scale=scale):f}"


class Member(StrictModel):
    """A user in a household."""

    user_id: RowId
    role: Role = Role.MEMBER


COUNTRY_OF_BANK = Patterned(
    pattern=r"^[A-Z]{2}$", sentence="Write the bank's country as its two letters of ISO 3166-1", such_as="US"
)


class NewHousehold(StrictModel):
    """A household to be; somebody in it must be its admin."""

    name: Name
    currency: Annotated[str, CURRENCY]
    members: Annotated[list[Member], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _each_once_and_an_admin(self) -> Self:
        if len({member.user_id for member in self.members}) < len(self.members):
            raise ValueError("each user can be a member once")
        if all(member.role != Role.ADMIN for member in self.members):
            raise ValueError("one member must have the role admin, who is told when a bank needs attention")
        return self


class HouseholdView(RowView):
    """People who share money."""

    id: int
    name: str
    currency: str
    created_at: datetime


class HouseholdPage(BaseModel):
    """Some households; `next` is the cursor of the page after, null on the last."""

    households: list[HouseholdView]
    next: int | None


class LinkRequest(StrictModel):
    """Who is to link a bank; with `item_id`, mend that connection."""

    user_id: RowId
    country: Annotated[str, COUNTRY_OF_BANK] = "US"
    item_id: RowId | None = None


class LinkTokenView(RowView):
    """What opens Plaid Link."""

    link_token: str
    expires_at: datetime


class Exchange(StrictModel):
    """What Plaid Link gave the browser."""

    public_token: Annotated[str, Field(min_length=1, max_length=500)]


class ItemView(RowView):
    """A linked bank; `error` is Plaid's word for what is wrong."""

    id: int
    household_id: int
    institution: str
    status: ItemStatus
    error: str | None
    synced_at: datetime | None
    created_at: datetime


class AccountView(RowView):
    """An account at a linked bank."""

    id: int
    item_id: int
    name: str
    mask: str | None
    type: str
    subtype: str | None
    currency: str
    current_balance: str | None
    available_balance: str | None
    is_active: bool
    include_in_budget: bool
    synced_at: datetime | None
    sync_error: str | None

    @classmethod
    def of(cls, account: BankAccount) -> Self:
        """As the API shows it."""
        balances = {
            name: _shown(getattr(account, name), account.currency, account.scale)
            for name in ("current_balance", "available_balance")
        }
        return cls(**{name: getattr(account, name) for name in cls.model_fields} | balances)


class TransactionView(RowView):
    """Money that moved; `amount` is what the account gained."""

    id: int
    account_id: int
    amount: str
    currency: str
    posted_on: date
    authorized_on: date | None
    name: str
    merchant: str | None
    pending: bool
    plaid_category: str | None
    category_id: int | None

    @classmethod
    def of(cls, moved: Transaction) -> Self:
        """As the API shows it."""
        amount = _shown(moved.amount, moved.currency, moved.scale)
        return cls(**{name: getattr(moved, name) for name in cls.model_fields} | {"amount": amount})


class ItemPage(BaseModel):
    """Some linked banks; `next` is the cursor of the page after, null on the last."""

    items: list[ItemView]
    next: int | None


class AccountPage(BaseModel):
    """Some accounts; `next` is the cursor of the page after, null on the last."""

    accounts: list[AccountView]
    next: int | None


class TransactionPage(BaseModel):
    """Some transactions, the last stored first; `next` is the cursor of the page after, null on the last."""

    transactions: list[TransactionView]
    next: int | None


class SetAsideView(RowView):
    """Something that a bank told and that could not be kept; `row` is what it told."""

    id: int
    item_id: int
    kind: AsideKind
    plaid_id: str
    reason: str
    row: str
    set_aside_at: datetime


class SetAsidePage(BaseModel):
    """Some of what is set aside; `next` is the cursor of the page after, null on the last."""

    rows: list[SetAsideView]
    next: int | None


class SyncView(RowView):
    """A sync of a linked bank: how far it is, and what failed."""

    id: str
    state: State
    accepted_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None


class SyncAccepted(BaseModel):
    """A sync that a worker will do."""

    job_id: str
    status_url: str


class WebhookAccepted(BaseModel):
    """A webhook that is kept and will be handled."""

    received: bool = True

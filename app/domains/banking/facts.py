"""What Plaid tells, in the terms of this application."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import date, datetime


@dataclass(frozen=True, kw_only=True)
class AccountFacts:
    """An account at a bank; balances in minor units of `currency`, None where the bank tells none.

    `scale` is how many decimals their units are, where that is not what is usual for the currency.
    """

    id: str
    name: str
    mask: str | None
    type: str
    subtype: str | None
    currency: str
    current: int | None
    available: int | None
    scale: int | None = None
    #: Without it nothing but the id is known: the account takes transactions, and stays as it was.
    is_read: bool = True


class AsideKind(StrEnum):
    """What a row was that could not be kept."""

    TRANSACTION = "transaction"
    REMOVAL = "removal"
    ACCOUNT = "account"


class Aside(NamedTuple):
    """A row that was set aside. `row` is what was told; where only the account is missing, a `Movement`."""

    kind: str
    id: str
    reason: str
    row: str
    missing_account: str | None = None


class Accounts(NamedTuple):
    """The accounts of an item, and the rows that are none."""

    facts: list[AccountFacts]
    aside: list[Aside]


class Movement(NamedTuple):
    """A transaction; `amount` is what the account gained, in minor units of `currency`.

    `scale` is how many decimals its units are, where that is not what is usual for the currency.
    """

    id: str
    account_id: str
    amount: int
    currency: str
    posted_on: date
    authorized_on: date | None
    name: str
    merchant: str | None
    pending: bool
    pending_transaction_id: str | None
    category: str | None
    scale: int | None = None


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some changes since a cursor, in the order in which they are to be applied: `put`, then `removed`."""

    put: list[Movement]
    removed: list[str]
    accounts: list[AccountFacts]
    aside: list[Aside]
    cursor: str
    has_more: bool


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What a public token was exchanged for."""

    item_id: str
    access_token: str


@dataclass(frozen=True, kw_only=True)
class LinkToken:
    """What opens Plaid Link in a browser, until `expires_at`."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class ItemFacts:
    """How a connection is by Plaid's own word; `error` is its code, None while it works."""

    institution: str
    error: str | None


@dataclass(frozen=True, kw_only=True)
class SyncStats:
    """What one sync did, in transactions; a broken connection is told by `status` and `error`."""

    pages: int = 0
    put: int = 0
    removed: int = 0
    set_aside: int = 0
    status: str
    error: str | None = None

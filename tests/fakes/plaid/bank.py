"""The bank behind the server: items, their accounts and what happens to them."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakes.plaid.history import History, Kind, Tx, changed

if TYPE_CHECKING:
    from collections.abc import Sequence

INSTITUTION_ID, INSTITUTION_NAME = "ins_109508", "First Platypus Bank"


@dataclass
class Account:
    """An account; balances as Plaid's JSON has them."""

    id: str
    name: str = "Checking"
    mask: str = "0000"
    type: str = "depository"
    subtype: str = "checking"
    currency: str = "USD"
    current: float | None = 1234.56
    available: float | None = 1200.0


@dataclass
class Item:
    """A sign-in at the bank."""

    id: str
    access_token: str
    accounts: list[Account]
    history: History = field(default_factory=History)
    #: Plaid's code for what is wrong with it.
    error: str | None = None
    webhook: str | None = None
    removed: bool = False
    #: What is told of a transaction or an account in place of what is true, by its id: fields of its row, or
    #: anything in place of the row.
    distorted: dict[str, Any] = field(default_factory=dict)

    def told(self, id_: str, row: dict[str, Any]) -> Any:
        """The row as it goes over the wire."""
        other = self.distorted.get(id_, {})
        return row | other if isinstance(other, dict) else other

    def add(self, tx: Tx) -> Tx:
        """A new transaction."""
        self.history.note(Kind.ADDED, tx)
        return tx

    def modify(self, tx: Tx, **values: object) -> Tx:
        """The transaction with other values."""
        new = changed(tx, **values)
        self.history.note(Kind.MODIFIED, new)
        return new

    def remove(self, tx: Tx) -> None:
        """A transaction that is no more."""
        self.history.note(Kind.REMOVED, tx)

    def post(self, pending: Tx, **values: object) -> Tx:
        """A pending transaction goes through: another takes its place, as banks do it."""
        self.remove(pending)
        return self.add(
            changed(pending, id=f"{pending.id}-posted", pending=False, pending_id=pending.id, **values)
        )

    @property
    def account(self) -> Account:
        """The first account."""
        return self.accounts[0]


class Bank:
    """All items, by whatever they are asked for."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._numbers = itertools.count(1)
        self.items: dict[str, Item] = {}
        self._public: dict[str, Item] = {}

    def new_item(self, *, accounts: int = 2, webhook: str | None = None) -> Item:
        """An item that is linked already."""
        with self.lock:
            number = next(self._numbers)
            made = [
                Account(id=f"acc-{number}-{place}", name=name, mask=f"000{place}", subtype=subtype)
                for place, (name, subtype) in enumerate(_kinds(accounts))
            ]
            item = Item(id=f"item-{number}", access_token=f"access-{number}", accounts=made, webhook=webhook)
            self.items[item.access_token] = item
            return item

    def public_token(self, item: Item) -> str:
        """What Plaid Link would give the browser for `item`."""
        with self.lock:
            token = f"public-{next(self._numbers)}"
            self._public[token] = item
            return token

    def exchange(self, token: str) -> Item | None:
        """The item behind a public token, once."""
        with self.lock:
            return self._public.pop(token, None)

    def item(self, access_token: str) -> Item | None:
        """The item of an access token."""
        found = self.items.get(access_token)
        return None if found is None or found.removed else found


def _kinds(count: int) -> Sequence[tuple[str, str]]:
    return list(itertools.islice(itertools.cycle([("Checking", "checking"), ("Saving", "savings")]), count))


def item_json(item: Item) -> dict[str, Any]:
    """An item as /item/get tells it."""
    error = None
    if item.error:
        error = {
            "error_type": "ITEM_ERROR",
            "error_code": item.error,
            "error_message": "the login details of this item have changed",
            "display_message": None,
        }
    return {
        "item_id": item.id,
        "institution_id": INSTITUTION_ID,
        "institution_name": INSTITUTION_NAME,
        "webhook": item.webhook,
        "error": error,
        "available_products": ["balance"],
        "billed_products": ["transactions"],
        "products": ["transactions"],
        "consent_expiration_time": None,
        "update_type": "background",
    }


def account_json(account: Account) -> dict[str, Any]:
    """An account as /accounts/get tells it."""
    return {
        "account_id": account.id,
        "balances": {
            "available": account.available,
            "current": account.current,
            "limit": None,
            "iso_currency_code": account.currency,
            "unofficial_currency_code": None,
        },
        "mask": account.mask,
        "name": account.name,
        "official_name": None,
        "type": account.type,
        "subtype": account.subtype,
    }


def tx_json(tx: Tx) -> dict[str, Any]:
    """A transaction as /transactions/sync tells it: the amount is a float on the wire."""
    category = None
    if tx.category:
        detailed = f"{tx.category}_OTHER"
        category = {"primary": tx.category, "detailed": detailed, "confidence_level": "HIGH"}
    places = ("address", "city", "region", "postal_code", "country", "lat", "lon", "store_number")
    payment = ("by_order_of", "payee", "payer", "payment_method", "payment_processor", "ppd_id")
    return {
        "transaction_id": tx.id,
        "account_id": tx.account_id,
        "amount": tx.cents / 100,
        "iso_currency_code": None if tx.unofficial else tx.currency,
        "unofficial_currency_code": tx.currency if tx.unofficial else None,
        "date": tx.day.isoformat(),
        "authorized_date": tx.day.isoformat(),
        "datetime": None,
        "authorized_datetime": None,
        "name": tx.name,
        "merchant_name": tx.name,
        "pending": tx.pending,
        "pending_transaction_id": tx.pending_id,
        "payment_channel": "in store",
        "account_owner": None,
        "transaction_code": None,
        "location": dict.fromkeys(places),
        "payment_meta": dict.fromkeys((*payment, "reason", "reference_number")),
        **({"personal_finance_category": category} if category else {}),
    }

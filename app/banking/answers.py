"""Reads what Plaid answers. Its numbers are floats; none of them lives on past this file."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING, Any

from app.banking.facts import AccountFacts, Movement, Page
from app.money import minor_digits, to_minor

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A double carries so many decimal digits for sure; what lies beyond them is its own noise.
_AS_SENT = Context(prec=15, rounding=ROUND_HALF_EVEN)
#: The currency of accounts for which Plaid names none.
NO_CURRENCY = "XXX"


def page(answer: Mapping[str, Any]) -> Page:
    """A page of /transactions/sync."""
    changed = {row["transaction_id"]: row for row in (*answer["added"], *answer["modified"])}
    return Page(
        put=[movement(row) for row in changed.values()],
        removed=[row["transaction_id"] for row in answer["removed"]],
        accounts=accounts(answer),
        cursor=answer["next_cursor"],
        has_more=answer["has_more"],
    )


def movement(row: Mapping[str, Any]) -> Movement:
    """A transaction. Raises `FractionOfMinorUnit` for an amount that its currency cannot express."""
    currency = _currency(row)
    category = row.get("personal_finance_category") or {}
    return Movement(
        id=row["transaction_id"],
        account_id=row["account_id"],
        # Plaid counts what leaves the account as positive.
        amount=-to_minor(_decimal(row["amount"]), currency),
        currency=currency,
        posted_on=date.fromisoformat(row["date"]),
        authorized_on=_date(row.get("authorized_date")),
        name=row.get("name") or row.get("original_description") or "",
        merchant=row.get("merchant_name"),
        pending=row["pending"],
        pending_transaction_id=row.get("pending_transaction_id"),
        category=category.get("primary"),
    )


def accounts(answer: Mapping[str, Any]) -> list[AccountFacts]:
    """The accounts in an answer."""
    return [_account(row) for row in answer["accounts"]]


def _account(row: Mapping[str, Any]) -> AccountFacts:
    balances = row["balances"]
    currency = _currency(balances)
    return AccountFacts(
        id=row["account_id"],
        name=row["name"],
        mask=row.get("mask"),
        type=str(row["type"]),
        subtype=row.get("subtype"),
        currency=currency,
        current=_balance(balances.get("current"), currency),
        available=_balance(balances.get("available"), currency),
    )


def _currency(row: Mapping[str, Any]) -> str:
    return row.get("iso_currency_code") or row.get("unofficial_currency_code") or NO_CURRENCY


def _balance(value: float | None, currency: str) -> int | None:
    """A balance in whole minor units: that of securities may have fractions of them, and is for show."""
    if value is None:
        return None
    unit = Decimal(1).scaleb(-minor_digits(currency))
    return to_minor(_decimal(value).quantize(unit, rounding=ROUND_HALF_EVEN), currency)


def _decimal(value: float) -> Decimal:
    return _AS_SENT.create_decimal(str(value))


def _date(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None

"""Reads what Plaid answers, row by row: one that cannot be kept is set aside, and the others go on."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING, Any

from app.domains.banking.errors import MalformedAnswer
from app.domains.banking.facts import (
    AccountFacts,
    Accounts,
    Aside,
    AsideKind,
    Grant,
    ItemFacts,
    LinkToken,
    Movement,
    Page,
)
from app.domains.banking.plaid import exact_json
from app.domains.banking.plaid.error_mapping import code_of
from app.errors import InvalidInput
from app.outbound import json_fields
from app.values.money import OFFICIAL, FractionOfMinorUnit, minor_digits, scale_of, to_minor, unit

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A double carries so many decimal digits for sure; what lies beyond them is its own noise.
_AS_SENT = Context(prec=15, rounding=ROUND_HALF_EVEN)
#: The currency of accounts for which Plaid names none.
NO_CURRENCY = "XXX"
MAX_CURSOR = 4_096
#: Of a row that is set aside, so much is kept.
MAX_ROW = 10_000
UNKNOWN_ERROR = "UNKNOWN"
SYNC = "transactions_sync"


def link_token(answer: Mapping[str, Any]) -> LinkToken:
    """What opens Plaid Link."""
    operation = "link_token_create"
    token = exact_json.member(answer, "link_token", str, operation=operation)
    expiration = exact_json.member(answer, "expiration", str, operation=operation)
    try:
        return LinkToken(token=token, expires_at=datetime.fromisoformat(expiration))
    except ValueError:
        raise MalformedAnswer(operation, problem='its member "expiration" is not a time') from None


def grant(answer: Mapping[str, Any]) -> Grant:
    """What a public token stands for."""
    operation = "item_public_token_exchange"
    try:
        return Grant(
            item_id=json_fields.identifier(answer, "item_id"),
            access_token=json_fields.identifier(answer, "access_token"),
        )
    except json_fields.InvalidField:
        raise MalformedAnswer(operation, problem="it does not name a connection") from None


def item(answer: Mapping[str, Any]) -> ItemFacts:
    """How a connection is."""
    operation = "item_get"
    told = exact_json.member(answer, "item", dict, operation=operation)
    try:
        name = json_fields.text(told, "institution_name") or json_fields.text(told, "institution_id") or ""
        error = told.get("error") or None
        reason = None if error is None else code_of(json_fields.mapping(error, "error").get("error_code"))
    except json_fields.InvalidField as unreadable:
        raise MalformedAnswer(operation, problem=str(unreadable)) from None
    return ItemFacts(institution=name, error=None if error is None else reason or UNKNOWN_ERROR)


def following(answer: Mapping[str, Any]) -> str | None:
    """The cursor of the next page, before this one is read; None where there is none, or none can be told."""
    cursor = answer.get("next_cursor")
    is_cursor = isinstance(cursor, str) and 0 < len(cursor) <= MAX_CURSOR and cursor.isprintable()
    return cursor if is_cursor and answer.get("has_more") is True else None


def page(answer: Mapping[str, Any]) -> Page:
    """A page of /transactions/sync."""
    put: dict[str, Movement] = {}
    aside: dict[str, Aside] = {}
    for row in (*_rows(answer, "added"), *_rows(answer, "modified")):
        try:
            read = movement(row)
        except InvalidInput as error:
            kept = set_aside(row, kind=AsideKind.TRANSACTION, reason=str(error))
            put.pop(kept.id, None)
            aside[kept.id] = kept
        else:
            aside.pop(read.id, None)
            put[read.id] = read
    removed, nameless = _removed(answer)
    told = accounts(answer, operation=SYNC)
    cursor = exact_json.member(answer, "next_cursor", str, operation=SYNC)
    if len(cursor) > MAX_CURSOR or not cursor.isprintable():
        raise MalformedAnswer(SYNC, problem="its cursor is empty")
    return Page(
        put=list(put.values()),
        removed=removed,
        accounts=told.facts,
        aside=[*aside.values(), *nameless, *told.aside],
        cursor=cursor,
        has_more=exact_json.member(answer, "has_more", bool, operation=SYNC),
    )


def movement(row: object) -> Movement:
    """A transaction. Raises `InvalidInput` for one that cannot be kept."""
    row = json_fields.mapping(row, "transaction")
    currency = _currency(row)
    amount, scale = _amount(json_fields.number(row, "amount"), currency)
    return Movement(
        id=json_fields.identifier(row, "transaction_id"),
        account_id=json_fields.identifier(row, "account_id"),
        # Plaid counts what leaves the account as positive.
        amount=-amount,
        scale=scale,
        currency=currency,
        posted_on=json_fields.day(row, "date"),
        authorized_on=json_fields.optional_day(row, "authorized_date"),
        name=json_fields.text(row, "name") or json_fields.text(row, "original_description") or "",
        merchant=json_fields.text(row, "merchant_name"),
        pending=json_fields.flag(row, "pending"),
        pending_transaction_id=json_fields.optional_identifier(row, "pending_transaction_id"),
        category=_category(row),
    )


def _category(row: Mapping[str, Any]) -> str | None:
    told = row.get("personal_finance_category")
    if told is None:
        return None
    return json_fields.optional_identifier(json_fields.mapping(told, "personal_finance_category"), "primary")


def _removed(answer: Mapping[str, Any]) -> tuple[list[str], list[Aside]]:
    removed, nameless = [], []
    for row in _rows(answer, "removed"):
        try:
            removed.append(json_fields.identifier(json_fields.mapping(row, "removed"), "transaction_id"))
        except json_fields.InvalidField as error:
            nameless.append(set_aside(row, kind=AsideKind.REMOVAL, reason=str(error)))
    return removed, nameless


def accounts(answer: Mapping[str, Any], *, operation: str) -> Accounts:
    """The accounts in an answer. One that cannot be read keeps its place, for its transactions."""
    found, aside = [], []
    for row in _rows(answer, "accounts", operation=operation):
        try:
            read = json_fields.mapping(row, "account")
            id_ = json_fields.identifier(read, "account_id")
        except json_fields.InvalidField as error:
            aside.append(set_aside(row, kind=AsideKind.ACCOUNT, reason=str(error)))
            continue
        try:
            found.append(_account(read, id_))
        except InvalidInput as error:
            aside.append(set_aside(row, kind=AsideKind.ACCOUNT, reason=str(error)))
            found.append(_unread_account(id_))
    return Accounts(facts=found, aside=aside)


def _account(row: Mapping[str, Any], id_: str) -> AccountFacts:
    balances = json_fields.mapping(row.get("balances"), "balances")
    currency = _currency(balances)
    current = json_fields.optional_number(balances, "current")
    available = json_fields.optional_number(balances, "available")
    scale = max(scale_of(value, currency) for value in (current, available, Decimal(0)) if value is not None)
    return AccountFacts(
        id=id_,
        name=json_fields.text(row, "name") or json_fields.text(row, "official_name") or "",
        mask=json_fields.text(row, "mask"),
        type=json_fields.text(row, "type") or "other",
        subtype=json_fields.text(row, "subtype"),
        currency=currency,
        current=_balance(current, currency, scale=scale),
        available=_balance(available, currency, scale=scale),
        scale=_unusual(scale, currency),
    )


def _unread_account(id_: str) -> AccountFacts:
    return AccountFacts(
        id=id_,
        name="",
        mask=None,
        type="other",
        subtype=None,
        currency=NO_CURRENCY,
        current=None,
        available=None,
        is_read=False,
    )


def set_aside(row: object, *, kind: AsideKind, reason: str) -> Aside:
    """A row that cannot be kept; without an id of its own it goes by what it says."""
    told = json.dumps(row, default=str, sort_keys=True)
    name = "account_id" if kind is AsideKind.ACCOUNT else "transaction_id"
    try:
        id_ = json_fields.identifier(json_fields.mapping(row, "row"), name)
    except json_fields.InvalidField:
        id_ = f"sha256:{hashlib.sha256(told.encode()).hexdigest()}"
    return Aside(kind=kind, id=id_, reason=reason, row=told[:MAX_ROW])


def _rows(answer: Mapping[str, Any], name: str, *, operation: str = SYNC) -> list[object]:
    found: list[object] = exact_json.member(answer, name, list, operation=operation)
    return found


def _currency(row: Mapping[str, Any]) -> str:
    official = json_fields.optional_identifier(row, "iso_currency_code")
    return official or json_fields.optional_identifier(row, "unofficial_currency_code") or NO_CURRENCY


def _amount(value: Decimal, currency: str) -> tuple[int, int | None]:
    """In whole units, and with how many decimals these are, where that is not usual for the currency."""
    scale = scale_of(value, currency)
    try:
        return to_minor(value, currency, scale=scale), _unusual(scale, currency)
    except FractionOfMinorUnit:
        return to_minor(_AS_SENT.plus(value), currency), None


def _unusual(scale: int, currency: str) -> int | None:
    return None if scale == minor_digits(currency) else scale


def _balance(value: Decimal | None, currency: str, *, scale: int) -> int | None:
    """A balance in whole units: that of securities may have fractions of cents, and is for show."""
    if value is None:
        return None
    if currency in OFFICIAL and value.is_finite() and value.adjusted() < _AS_SENT.prec:
        value = value.quantize(unit(scale), rounding=ROUND_HALF_EVEN)
    return to_minor(value, currency, scale=scale)

"""Names, numbers and days of reports as a reader sees them: the same in every locale."""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from typing import TYPE_CHECKING

from app.domains.marketplace.reports.models import ReportKind
from app.values.money import to_decimal

if TYPE_CHECKING:
    from datetime import date

    from app.domains.marketplace.reports.figures import ModelSales, ModelUse
    from app.domains.marketplace.reports.periods import Period

NO_BREAK = "\N{NO-BREAK SPACE}"
NONE = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
#: Of a title, so many characters are shown.
MAX_TITLE = 60
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_UNITS = ("", "k", "M", "bn", "tn")
_THOUSAND = 1000
#: A change beyond it says nothing.
_MANIFOLD = 10_000
#: Commands, and halves of characters.
_UNSEEN = frozenset({"Cc", "Cf", "Cs"})
#: The joiners, with which scripts spell; all else of their category moves what stands beside it.
_SPELLING = frozenset("\u200c\u200d")


def title(period: Period) -> str:
    """What a report is called."""
    return f"Sales {'on' if period.kind is ReportKind.DAILY else 'in'} {name(period)}"


def name(period: Period) -> str:
    """A day or a month in words."""
    month = f"{_MONTHS[period.first.month - 1]} {period.first.year}"
    if period.kind is ReportKind.MONTHLY:
        return month
    return f"{_DAYS[period.first.weekday()]}, {period.first.day} {month}"


def short_day(day: date, *, kind: ReportKind) -> str:
    """A day below its bar."""
    return f"{day.day}{NO_BREAK}{_MONTHS[day.month - 1][:3]}" if kind is ReportKind.DAILY else f"{day.day}"


def amount(minor: int, currency: str) -> str:
    """An amount with the decimals of its currency: "1,250.00"."""
    return f"{to_decimal(minor, currency):,f}"


def compact(minor: int, currency: str) -> str:
    """An amount where there is little room: "950", "1.3k", "12k"."""
    value, unit = abs(to_decimal(minor, currency)), 0
    while round(value) >= _THOUSAND and unit < len(_UNITS) - 1:
        value, unit = value / _THOUSAND, unit + 1
    digits = 1 if unit and round(value, 1) < 10 else 0
    return f"{value:,.{digits}f}{_UNITS[unit]}"


def orders(count: int) -> str:
    """So many orders."""
    return f"{count:,} order{'' if count == 1 else 's'}"


def change(now: int, before: int) -> str:
    """By how much something has grown: "+12.5 %"; after nothing, there is no measure."""
    if now == before:
        return f"\N{PLUS-MINUS SIGN}0{NO_BREAK}%"
    if not before:
        return "none before"
    percent = Decimal(now - before) * 100 / Decimal(before)
    if percent > _MANIFOLD:
        return f"over +{_MANIFOLD:,}{NO_BREAK}%"
    return f"{percent:+,.1f}{NO_BREAK}%".replace("-", MINUS)


def model(row: ModelSales | ModelUse) -> str:
    """What a row is about."""
    if row.model_id is not None:
        return _seen(row.title)
    return f"{row.models:,} other models" if row.models > 1 else "1 other model"


def cut(text: str) -> str:
    """The beginning of a text of others."""
    return text if len(text) <= MAX_TITLE else f"{text[: MAX_TITLE - 1].rstrip()}\N{HORIZONTAL ELLIPSIS}"


def _seen(text: str) -> str:
    """A text without what cannot be seen, and moves what can."""
    seen = (one for one in text if one in _SPELLING or unicodedata.category(one) not in _UNSEEN)
    return " ".join("".join(seen).split())

"""Amounts, hours, rates and days as a reader sees them: the same in every locale."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from app.domains.billing.charging.bounds import SECONDS_PER_HOUR
from app.domains.billing.charging.taxes import TaxCategory
from app.values.money import minor_digits, to_decimal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

_NO_BREAK = "\N{NO-BREAK SPACE}"
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_MINUTE = 60
#: An hour has so many seconds that two decimals are whole ones of 36.
_HUNDREDTH = SECONDS_PER_HOUR // 100
_UNTAXED = {TaxCategory.EXEMPT: "exempt", TaxCategory.REVERSE_CHARGE: "reverse charge"}


def amount(minor: int, currency: str) -> str:
    """An amount with the decimals of its currency: "1,250.00"."""
    return f"{to_decimal(minor, currency):,f}"


def money(minor: int, currency: str) -> str:
    """An amount with its currency, on one line."""
    return f"{amount(minor, currency)}{_NO_BREAK}{currency}"


def rates(costs: Iterable[Decimal | None], currency: str) -> list[str]:
    """What hours cost, all with as many decimals as one of them needs, and no fewer than the currency has."""
    exact = [None if cost is None else to_decimal(cost, currency) for cost in costs]
    needed = (-int(cost.normalize().as_tuple().exponent) for cost in exact if cost is not None)
    digits = max(minor_digits(currency), *needed, 0)
    return ["" if cost is None else f"{cost:,.{digits}f}" for cost in exact]


def percent(category: TaxCategory, value: Decimal) -> str:
    """The rate of a tax, or why there is none."""
    return _UNTAXED.get(category) or f"{value.normalize():f}{_NO_BREAK}%"


def hours(times: Iterable[int | None]) -> list[str]:
    """Seconds as hours, all in one way: with two decimals where that is exact for each, else by the clock."""
    times = list(times)
    exact = not any(seconds % _HUNDREDTH for seconds in times if seconds is not None)
    form = _decimal_hours if exact else _clock
    return ["" if seconds is None else form(seconds) for seconds in times]


def day(value: date) -> str:
    """A day that no reader takes for another: "3 Mar 2026"."""
    return _NO_BREAK.join((str(value.day), _MONTHS[value.month - 1], str(value.year)))


def grouped(iban: str) -> str:
    """An IBAN in groups of four (ISO 13616), on one line."""
    return _NO_BREAK.join(iban[at : at + 4] for at in range(0, len(iban), 4))


def _decimal_hours(seconds: int) -> str:
    return f"{Decimal(seconds) / SECONDS_PER_HOUR:,.2f}"


def _clock(seconds: int) -> str:
    minutes, rest = divmod(seconds, _MINUTE)
    full, minutes = divmod(minutes, _MINUTE)
    return f"{full:,}:{minutes:02}" + (f":{rest:02}" if rest else "")

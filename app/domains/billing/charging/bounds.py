"""The bounds of all numbers that are charged with, and how they are held."""

from __future__ import annotations

from decimal import Decimal

from app.domains.billing.charging.errors import NumberNotAllowed, YearNotAllowed
from app.values.row_ids import MAX_BIGINT

#: In minor units: more than any currency's hour or month of work, and far from what a column holds.
MAX_RATE = 10**12
MAX_FEE = 10**15
#: In hours; the threshold is that of a day.
MAX_THRESHOLD_HOURS = Decimal(24)
MAX_PERIOD_HOURS = Decimal(100_000)
#: With two decimals every number of hours is one of whole seconds.
HOUR_PLACES = 2
MIN_MULTIPLIER = Decimal(1)
MAX_MULTIPLIER = Decimal(10)
MULTIPLIER_PLACES = 4
MAX_PERCENT = Decimal(100)
PERCENT_PLACES = 4
MAX_CARRY_PERIODS = 120
YEARS = range(1970, 2200)

SECONDS_PER_HOUR = 3600
#: In place of its id, of what is not stored yet: it can be checked, and is never charged.
NEW = -1


def name_of(kind: str, id_: int) -> str:
    """What a row of that kind is called in a sentence."""
    return f"the new {kind}" if id_ == NEW else f"{kind} {id_}"


def check_whole(value: int, *, what: str, low: int = 0, high: int = MAX_BIGINT) -> None:
    """Raise `NumberNotAllowed` unless `value` is a whole number (`True` is none) from `low` to `high`."""
    if type(value) is not int or not low <= value <= high:
        raise NumberNotAllowed(what=what, value=value, low=low, high=high)


def check_id(value: int, *, what: str) -> None:
    """Raise `NumberNotAllowed` unless `value` can be the id of a row."""
    check_whole(value, what=f"id of {what}", low=1)


def check_own_id(value: int, *, what: str) -> None:
    """As `check_id`, for what may also be `NEW`."""
    if value != NEW:
        check_id(value, what=what)


def check_decimal(
    value: Decimal, *, what: str, high: Decimal, places: int, low: Decimal = Decimal(0)
) -> None:
    """Raise `NumberNotAllowed` unless `value` is a finite decimal in these bounds, and none was a float."""
    if not isinstance(value, Decimal) or not value.is_finite() or not low <= value <= high:
        raise NumberNotAllowed(what=what, value=value, low=low, high=high, places=places)
    if -int(value.as_tuple().exponent) > places:
        raise NumberNotAllowed(what=what, value=value, low=low, high=high, places=places)


def check_hours(hours: Decimal, *, what: str, high: Decimal = MAX_PERIOD_HOURS) -> None:
    """Raise `NumberNotAllowed` unless `hours` are whole seconds within bounds."""
    check_decimal(hours, what=what, high=high, places=HOUR_PLACES)


def check_year(year: int, *, what: str) -> None:
    """Raise `YearNotAllowed` for one that is far."""
    if year not in YEARS:
        raise YearNotAllowed(what=what, year=year, years=YEARS)


def seconds(hours: Decimal) -> int:
    """Checked hours as seconds, which they are whole of."""
    return int(hours * SECONDS_PER_HOUR)

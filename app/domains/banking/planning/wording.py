"""What members of a household are told, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.values.money import shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal

#: What the sentences here are written in.
LOCALE = "en_GB"
WHOLE = 100


def day(date_: date) -> str:
    """A date for a person, such as 1 February 2026."""
    from babel.dates import format_date  # not above: services would start later for it

    return format_date(date_, format="long", locale=LOCALE)


def bill_title(*, name: str, lead: int, autopay: bool) -> str:
    """What a reminder says first; `lead` counts the days until the due date, below zero those since."""
    if autopay:
        return f"{name} will be paid automatically tomorrow"
    match lead:
        case 0:
            return f"{name} is due today"
        case 1:
            return f"{name} is due tomorrow"
        case -1:
            return f"{name} was due yesterday"
    return f"{name} is due in {lead} days" if lead > 0 else f"{name} was due {-lead} days ago"


def bill_body(*, name: str, household: str, amount: str, due: date, lead: int, autopay: bool) -> str:
    """What a reminder says in full; `amount` as it is shown."""
    if autopay:
        return f"{amount} for {name} of {household} will be paid automatically on {day(due)}."
    if lead < 0:
        return f"{amount} for {name} of {household} was due on {day(due)} and is not marked as paid."
    return f"{amount} for {name} of {household} is due on {day(due)}."


def budget_title(*, category: str, threshold: int, spent: int | Decimal, amount: int) -> str:
    """What an alert says first."""
    if spent > amount:
        return f"The budget for {category} is overspent"
    if spent == amount:
        return f"The budget for {category} is spent"
    return f"{threshold} % of the budget for {category} is spent"


def budget_body(
    *,
    category: str,
    since: date,
    spent: int | Decimal,
    amount: int,
    currency: str,
    elsewhere: Mapping[str, int | Decimal],
) -> str:
    """What an alert says in full; amounts in minor units, `elsewhere` those in other currencies."""
    said = (
        f"Since {day(since)}, {shown(spent, currency)} of {shown(amount, currency)} was spent on {category} "
        f"({spent * WHOLE // amount} %)."
    )
    others = [shown(minor, other) for other, minor in sorted(elsewhere.items())]
    return f"{said} Not counted, as it is in another currency: {', '.join(others)}." if others else said

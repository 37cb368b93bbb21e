"""What can be wrong with what is to be charged, each as one sentence with its remedy."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from app.errors import InvalidInput
from app.values.money import OFFICIAL, SHOWN_DIGITS
from app.values.nearest import did_you_mean

if TYPE_CHECKING:
    from datetime import date, datetime


def _number(value: object) -> str:
    """`value` as it is shown to a person: Python does not write out whole numbers of thousands of digits."""
    if isinstance(value, Decimal):
        return str(value)[:SHOWN_DIGITS]
    if isinstance(value, int) and abs(value) >= 10**SHOWN_DIGITS:
        return f"a number of more than {SHOWN_DIGITS} digits"
    return repr(value)[:SHOWN_DIGITS]


def _text(value: str) -> str:
    """The beginning of `value`, in quotes, with what cannot be printed escaped."""
    return ascii(value[:SHOWN_DIGITS])


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


class NumberNotAllowed(InvalidInput):
    """Raised for a number that is negative, absurd, no number at all or of the wrong type."""

    code = "number_not_allowed"

    def __init__(self, *, what: str, value: object, low: object, high: object, places: int = 0) -> None:
        kind = f"decimal with at most {places} places" if places else "whole number"
        super().__init__(f"The {what} cannot be {_number(value)}: give a {kind} from {low} to {high}.")


class IncrementNotAllowed(InvalidInput):
    """Raised for an increment that does not divide an hour."""

    code = "increment_not_allowed"

    def __init__(self, *, minutes: object, allowed: tuple[int, ...]) -> None:
        super().__init__(
            f"Time cannot be rounded to {_number(minutes)} minutes: give one of "
            f"{', '.join(str(one) for one in allowed)}, where 0 is to the second."
        )


class NaiveTime(InvalidInput):
    """Raised for a time of which nobody knows when it is."""

    code = "naive_time"

    def __init__(self, *, entry: str, what: str, moment: datetime) -> None:
        super().__init__(
            f"The {what} of {entry} is {moment.isoformat()}, without a time zone. "
            "Give it with its offset, such as 2026-03-02T09:00:00+01:00."
        )


class YearNotAllowed(InvalidInput):
    """Raised for a time that nobody worked at."""

    code = "year_not_allowed"

    def __init__(self, *, what: str, year: int, years: range) -> None:
        super().__init__(f"The {what} is in the year {year}: give one from {years[0]} to {years[-1]}.")


class EndBeforeStart(InvalidInput):
    """Raised for an entry that ends before it starts."""

    code = "end_before_start"

    def __init__(self, *, entry: str, start: datetime, end: datetime) -> None:
        super().__init__(
            f"{_capital(entry)} starts at {start.isoformat()} and ends at {end.isoformat()}, which is "
            "before. Correct one of them."
        )


class EntryTooLong(InvalidInput):
    """Raised for an entry that nobody worked in one go."""

    code = "entry_too_long"

    def __init__(self, *, entry: str, hours: int, max_hours: int) -> None:
        super().__init__(
            f"{_capital(entry)} is {hours} hours long, and {max_hours} is the most. "
            "Correct its end, or make several entries of it."
        )


class DuplicateEntry(InvalidInput):
    """Raised for an entry that is given twice, and would be charged twice."""

    code = "duplicate_entry"

    def __init__(self, *, entry_id: int) -> None:
        super().__init__(f"Entry {entry_id} is given more than once. Give each entry once.")


class EntryOfAnotherPeriod(InvalidInput):
    """Raised for an entry that does not start in the period that is charged."""

    code = "entry_of_another_period"

    def __init__(self, *, entry_id: int, day: date, wanted: str) -> None:
        super().__init__(
            f"Entry {entry_id} starts on {day} in the client's time zone, which is not {wanted}. "
            "Leave it out."
        )


class MalformedPeriod(InvalidInput):
    """Raised for a text that names no month."""

    code = "malformed_period"

    def __init__(self, *, text: str) -> None:
        super().__init__(f"{_text(text)} is not a billing period: give a month as YYYY-MM, such as 2026-03.")


class UnknownCurrency(InvalidInput):
    """Raised for a currency that ISO 4217 does not list."""

    code = "unknown_currency"

    def __init__(self, *, currency: str, rule: str) -> None:
        hint = did_you_mean(
            currency[:SHOWN_DIGITS].upper(), sorted(OFFICIAL), otherwise="Use a code such as EUR."
        )
        super().__init__(
            f"{_capital(rule)} is in {_text(currency)}, which is no currency of ISO 4217. {hint}"
        )


class RuleEndsBeforeStart(InvalidInput):
    """Raised for a rule that is in force on no day."""

    code = "rule_ends_before_start"

    def __init__(self, *, rule: str, effective_from: date, effective_to: date) -> None:
        super().__init__(
            f"{_capital(rule)} is in force from {effective_from} to {effective_to}, which is before. "
            "Correct one of them."
        )


class DuplicateRule(InvalidInput):
    """Raised for a rule that is given twice, whose fee would be charged twice."""

    code = "duplicate_rule"

    def __init__(self, *, rule_id: int) -> None:
        super().__init__(f"Rule {rule_id} is given more than once. Give each rule once.")


class OverlappingRules(InvalidInput):
    """Raised for two rules that are in force for the same work on the same day."""

    code = "overlapping_rules"

    def __init__(self, *, earlier_id: int, later_id: int, project_id: int | None, day: date) -> None:
        whose = f"project {project_id}" if project_id is not None else "the whole client"
        super().__init__(
            f"Rules {earlier_id} and {later_id} for {whose} are both in force on {day}. "
            f"End rule {earlier_id} before that day."
        )


class NoRule(InvalidInput):
    """Raised for an entry that no rule says the price of."""

    code = "no_rule"

    def __init__(self, *, entry_id: int, project_id: int, day: date) -> None:
        super().__init__(
            f"No rule is in force for entry {entry_id} of project {project_id} on {day}. "
            "Add one that is, for the project or for the whole client."
        )

"""What can be wrong with a document that is to be made, each as one sentence with its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import InvalidInput
from app.values.money import OFFICIAL, SHOWN_DIGITS, shown
from app.values.nearest import did_you_mean
from app.values.text import SHOWN, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from decimal import Decimal


class TextNotPrintable(InvalidInput):
    """Raised for a text with a character that is none, or is a command."""

    code = "text_not_printable"

    def __init__(self, *, what: str, problem: str) -> None:
        super().__init__(f"The {what} cannot be printed: {problem}.")


class TextTooLong(InvalidInput):
    """Raised for a text that would push all else off the page."""

    code = "text_too_long"

    def __init__(self, *, what: str, length: int, limit: int) -> None:
        super().__init__(f"The {what} has {length:,} characters, and {limit:,} is the most. Shorten it.")


class TooMany(InvalidInput):
    """Raised for a document that nobody reads to its end."""

    code = "too_many_in_document"

    def __init__(self, *, what: str, count: int, limit: int) -> None:
        super().__init__(f"A document cannot have {count:,} {what}: {limit:,} is the most. Make several.")


class UnknownDocumentCurrency(InvalidInput):
    """Raised for a currency that ISO 4217 does not list."""

    code = "unknown_currency"

    def __init__(self, *, currency: str) -> None:
        hint = did_you_mean(currency[:SHOWN].upper(), sorted(OFFICIAL), otherwise="Use a code such as EUR.")
        super().__init__(f"{quoted(currency)} is no currency of ISO 4217. {hint}")


class NumberMissing(InvalidInput):
    """Raised for a document that is no draft and cannot be told from others."""

    code = "document_number_missing"

    def __init__(self) -> None:
        super().__init__("A document that is no draft needs its number. Give it one, or mark it as a draft.")


class RateNotAllowed(InvalidInput):
    """Raised for time of which nobody knows how long it was or what an hour of it costs."""

    code = "rate_not_allowed"

    def __init__(self, *, rate: Decimal | None, seconds: int | None) -> None:
        super().__init__(
            f"A line cannot have {seconds} seconds at {str(rate)[:SHOWN_DIGITS]} an hour: "
            "give the time with a rate that is not below zero, or no rate for a fee."
        )


class CreditsNothing(InvalidInput):
    """Raised for a credit note without its invoice, or an invoice with one."""

    code = "credits_nothing"

    def __init__(self, *, kind: str) -> None:
        super().__init__(
            f"A document of the kind {kind} is given with the wrong reference: "
            "a credit note names the invoice that it credits, and an invoice names none."
        )


class PeriodReversed(InvalidInput):
    """Raised for a period that is over before it begins."""

    code = "period_reversed"

    def __init__(self, *, first: date, last: date) -> None:
        super().__init__(
            f"The document's period is from {first} to {last}, which is before. Correct one of them."
        )


class AmountsDisagree(InvalidInput):
    """Raised for amounts of which the reader would see that they do not add up."""

    code = "amounts_disagree"

    def __init__(self, *, what: str, given: int, found: int, currency: str) -> None:
        super().__init__(
            f"The {what} is given as {shown(given, currency)}, and the amounts that it is made of come to "
            f"{shown(found, currency)}. Reckon the document again."
        )


class UnknownLayout(InvalidInput):
    """Raised for a layout that is none of ours."""

    code = "unknown_layout"

    def __init__(self, *, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        hint = did_you_mean(name[:SHOWN], names, otherwise="Use one of these.")
        super().__init__(f"There is no layout {quoted(name)}. {hint} The layouts are {', '.join(names)}.")

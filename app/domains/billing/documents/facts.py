"""What stands on an invoice or a credit note. Amounts are whole minor units of the document's currency."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from app.domains.billing.charging.bounds import MAX_MULTIPLIER, MAX_RATE, check_whole, check_year
from app.domains.billing.documents.agreement import check_amounts
from app.domains.billing.documents.errors import (
    CreditsNothing,
    NumberMissing,
    PeriodReversed,
    RateNotAllowed,
    TooMany,
    UnknownDocumentCurrency,
)
from app.domains.billing.documents.texts import MAX_DESCRIPTION, MAX_NUMBER, line, optional_line, paragraph
from app.values.money import OFFICIAL
from app.values.row_ids import MAX_BIGINT

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from app.domains.billing.charging.invoices import TaxTotal
    from app.domains.billing.charging.taxes import Tax
    from app.domains.billing.documents.parties import Buyer, Payment, Seller

#: A worker has room for so many: each takes Typst a sixth of a mebibyte.
MAX_LINES = 2_000
MAX_TAXES = 100
MAX_NOTES = 20


class Kind(StrEnum):
    """What a document is."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What is charged. Time has seconds and what an hour costs, in minor units; a fee has no such rate.

    The seconds of a fee are the time that it pays for. Time is above zero, whatever sign the amount has.
    """

    description: str
    detail: str | None = None
    seconds: int | None = None
    rate: Decimal | None = None
    net: int
    tax: Tax

    def __post_init__(self) -> None:
        described = line(self.description, what="description of a line", limit=MAX_DESCRIPTION)
        object.__setattr__(self, "description", described)
        detail = optional_line(self.detail, what="detail of a line", limit=MAX_DESCRIPTION)
        object.__setattr__(self, "detail", detail)
        check_whole(self.net, what="amount of a line", low=-MAX_BIGINT)
        if self.seconds is not None:
            check_whole(self.seconds, what="time of a line in seconds")
        if self.rate is not None and not (self.seconds is not None and _is_rate(self.rate)):
            raise RateNotAllowed(rate=self.rate, seconds=self.seconds)


def _is_rate(rate: Decimal) -> bool:
    return rate.is_finite() and 0 <= rate <= MAX_RATE * MAX_MULTIPLIER


@dataclass(frozen=True, kw_only=True, slots=True)
class Credited:
    """The invoice that a credit note takes back, in whole or in part."""

    number: str
    issued: date

    def __post_init__(self) -> None:
        object.__setattr__(self, "number", line(self.number, what="number of the credited invoice"))
        check_year(self.issued.year, what="day of the credited invoice")


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """All that stands on it; what is reckoned is reckoned by the caller, and has to add up.

    The amounts of a credit note are what is given back, above zero or below it as the caller keeps them.
    """

    kind: Kind = Kind.INVOICE
    draft: bool = False
    #: A draft has none yet.
    number: str | None = None
    issued: date
    due: date | None = None
    #: The first and the last day of what is charged.
    period: tuple[date, date] | None = None
    currency: str
    seller: Seller
    buyer: Buyer
    lines: tuple[Line, ...]
    taxes: tuple[TaxTotal, ...]
    net: int
    tax: int
    gross: int
    paid: int = 0
    payable: int
    payment: Payment | None = None
    notes: tuple[str, ...] = ()
    credited: Credited | None = None
    #: What the buyer wants to see on it, to find its own way (BT-10, BT-13).
    buyer_reference: str | None = None
    order_reference: str | None = None

    def __post_init__(self) -> None:
        self._clean()
        self._check_identity()
        for what, items, limit in (
            ("lines", self.lines, MAX_LINES),
            ("taxes", self.taxes, MAX_TAXES),
            ("notes", self.notes, MAX_NOTES),
        ):
            if len(items) > limit:
                raise TooMany(what=what, count=len(items), limit=limit)
        check_amounts(self)

    @property
    def supplied(self) -> date:
        """When all that is charged was there: at the end of the period, else on the day of the document."""
        return self.issued if self.period is None else self.period[1]

    def _clean(self) -> None:
        number = optional_line(self.number, what="number of the document", limit=MAX_NUMBER)
        object.__setattr__(self, "number", number)
        for name in ("buyer_reference", "order_reference"):
            what = f"{name.replace('_', ' ')} of the document"
            object.__setattr__(self, name, optional_line(getattr(self, name), what=what))
        notes = tuple(paragraph(note, what="note of the document") for note in self.notes)
        object.__setattr__(self, "notes", notes)

    def _check_identity(self) -> None:
        if self.currency not in OFFICIAL:
            raise UnknownDocumentCurrency(currency=self.currency)
        if self.number is None and not self.draft:
            raise NumberMissing
        if (self.credited is None) == (self.kind is Kind.CREDIT_NOTE):
            raise CreditsNothing(kind=self.kind)
        if self.period is not None and self.period[1] < self.period[0]:
            raise PeriodReversed(first=self.period[0], last=self.period[1])
        for what, day in self._days():
            check_year(day.year, what=what)

    def _days(self) -> list[tuple[str, date]]:
        days = [("day of the document", self.issued)]
        if self.due is not None:
            days.append(("day on which the document is due", self.due))
        if self.period is not None:
            days += [("first day of the document's period", self.period[0])]
            days += [("last day of the document's period", self.period[1])]
        return days

"""Lines and amounts of a document as EN 16931 writes them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from app.domains.billing.charging.bounds import SECONDS_PER_HOUR
from app.domains.billing.documents.facts import Kind
from app.values.money import to_decimal

if TYPE_CHECKING:
    from app.domains.billing.documents.facts import Document, Line

#: Units of time (UN/ECE recommendation 20), the longest first: their seconds.
_UNITS = {"HUR": SECONDS_PER_HOUR, "MIN": 60, "SEC": 1}
_PIECE = "C62"
#: Of an hour, at most.
_PLACES = Decimal("0.01")


class Signed:
    """Writes amounts of a document: a credit note (type 381) says by its type that they are given back."""

    def __init__(self, document: Document) -> None:
        self.currency = document.currency
        self.sign = -1 if document.kind is Kind.CREDIT_NOTE and document.gross < 0 else 1

    def __call__(self, minor: int) -> str:
        return f"{to_decimal(self.sign * minor, self.currency):f}"

    def price(self, minor: int | Decimal) -> str:
        """What one of something costs, which is never below zero (BR-27)."""
        return f"{to_decimal(abs(Decimal(minor)), self.currency):f}"


def line_of(line: Line, *, number: int, amounts: Signed) -> dict[str, Any]:
    """The terms of a line (BG-25)."""
    terms = {
        "BT-126": str(number),
        "BT-131": amounts(line.net),
        "BT-151": str(line.tax.category),
        "BT-152": f"{line.tax.percent.normalize():f}",
        "BT-153": line.description,
        "BT-154": line.detail,
        **_quantity(line, amounts=amounts),
    }
    return {term: value for term, value in terms.items() if value is not None}


def _quantity(line: Line, *, amounts: Signed) -> dict[str, str]:
    """How much for which price: exactly, so time is in the longest unit that it is a plain number of."""
    minus = "-" if amounts.sign * line.net < 0 else ""
    if line.seconds is None or line.rate is None:
        return {"BT-129": f"{minus}1", "BT-130": _PIECE, "BT-146": amounts.price(line.net)}
    unit, quantity = _in_units(line.seconds)
    terms = {"BT-129": f"{minus}{quantity:f}", "BT-130": unit, "BT-146": amounts.price(line.rate)}
    if _UNITS[unit] != SECONDS_PER_HOUR:
        terms["BT-149"] = str(SECONDS_PER_HOUR // _UNITS[unit])
    return terms


def _in_units(seconds: int) -> tuple[str, Decimal]:
    for unit, length in _UNITS.items():
        quantity = (Decimal(seconds) / length).quantize(_PLACES)
        if quantity * length == seconds:
            return unit, quantity
    raise AssertionError(seconds)

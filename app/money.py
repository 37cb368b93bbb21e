"""Amounts of money: whole minor units (cents) with their currency, never a float."""

from __future__ import annotations

from decimal import Decimal

from app.errors import InvalidInput

#: Decimals of the currencies that do not have two. Source: ISO 4217, list one, column "minor unit".
_MINOR_DIGITS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV"), 0
    ),
    **dict.fromkeys(("XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
USUAL_MINOR_DIGITS = 2


class FractionOfMinorUnit(InvalidInput):
    """Raised for an amount that the currency cannot express."""

    code = "fraction_of_minor_unit"

    def __init__(self, *, amount: Decimal, currency: str) -> None:
        super().__init__(
            f"{amount} {currency} has more than the {minor_digits(currency)} decimals of {currency}."
        )


def minor_digits(currency: str) -> int:
    """How many decimals `currency` (ISO 4217) has."""
    return _MINOR_DIGITS.get(currency, USUAL_MINOR_DIGITS)


def to_minor(amount: Decimal, currency: str) -> int:
    """`amount` in minor units: 12.50 EUR is 1250. Raises `FractionOfMinorUnit` rather than round."""
    units = amount.scaleb(minor_digits(currency))
    if units != units.to_integral_value():
        raise FractionOfMinorUnit(amount=amount, currency=currency)
    return int(units)


def to_decimal(minor: int, currency: str) -> Decimal:
    """Minor units as the decimal number that a person writes."""
    return Decimal(minor).scaleb(-minor_digits(currency))


def shown(minor: int, currency: str) -> str:
    """An amount for a person, such as "1,250.00 EUR"."""
    return f"{to_decimal(minor, currency):,} {currency}"

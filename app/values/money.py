"""Amounts of money: whole units with their currency, never a float.

An official currency is counted in its minor units (cents). Others, such as BTC, have no agreed number of
decimals: their amounts are counted with as many as they came with, and that number (`scale`) lies beside.
"""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation

from app.errors import InvalidInput
from app.values.row_ids import MAX_BIGINT

#: Decimals of the currencies that do not have two. Source: ISO 4217, list one, column "minor unit". What is
#: stored is counted by them, so they are no library's to change: CLDR has the decimals that are in use, which
#: are fewer (no coins below one LBP) and vary with its version.
_MINOR_DIGITS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV"), 0
    ),
    **dict.fromkeys(("XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
USUAL_MINOR_DIGITS = 2
#: The currencies with two decimals. Source: the same list.
_USUAL = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE
CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD
HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP
MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR
SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED
VES WST XCD XCG YER ZAR ZMW ZWG ZWL
"""
OFFICIAL = frozenset(_USUAL.split()) | frozenset(_MINOR_DIGITS)
#: More decimals than any currency has: 18 are those of Ether.
MAX_SCALE = 30
#: Digits of an amount that are written out to a person.
SHOWN_DIGITS = 40
_EXACT = Context(prec=100, traps=[Inexact, InvalidOperation])


class FractionOfMinorUnit(InvalidInput):
    """Raised for an amount that the currency cannot express."""

    code = "fraction_of_minor_unit"

    def __init__(self, *, amount: Decimal, currency: str, scale: int | None = None) -> None:
        digits = minor_digits(currency) if scale is None else scale
        super().__init__(
            f"{str(amount)[:SHOWN_DIGITS]} {currency} has more than the {digits} decimals of {currency}."
        )


class AmountTooLarge(InvalidInput):
    """Raised for an amount beyond what is kept, or that is no number at all."""

    code = "amount_too_large"

    def __init__(self, *, amount: Decimal, currency: str) -> None:
        super().__init__(
            f"{str(amount)[:SHOWN_DIGITS]} {currency} is not an amount that can be stored: give a number of "
            f"at most {len(str(MAX_BIGINT)) - 1} digits, decimals included."
        )


def unit(scale: int) -> Decimal:
    """The smallest amount with `scale` decimals: 0.01 with two."""
    return Decimal(1).scaleb(-scale)


def minor_digits(currency: str) -> int:
    """How many decimals `currency` (ISO 4217) has."""
    return _MINOR_DIGITS.get(currency, USUAL_MINOR_DIGITS)


def scale_of(amount: Decimal, currency: str) -> int:
    """How many decimals `amount` is counted with: those of an official currency, all it has of another.

    Raises `FractionOfMinorUnit` for more than any currency has.
    """
    digits = minor_digits(currency)
    if currency in OFFICIAL or not amount.is_finite():
        return digits
    try:
        exponent = _EXACT.normalize(amount).as_tuple().exponent
    except Inexact:
        raise FractionOfMinorUnit(amount=amount, currency=currency, scale=MAX_SCALE) from None
    if -int(exponent) > MAX_SCALE:
        raise FractionOfMinorUnit(amount=amount, currency=currency, scale=MAX_SCALE)
    return max(digits, -int(exponent))


def to_minor(amount: Decimal, currency: str, *, scale: int | None = None) -> int:
    """`amount` in minor units, or with `scale` decimals: 12.50 EUR is 1250.

    Raises `FractionOfMinorUnit` rather than round, and `AmountTooLarge`.
    """
    digits = minor_digits(currency) if scale is None else scale
    if not amount.is_finite() or amount.adjusted() + digits >= len(str(MAX_BIGINT)):
        raise AmountTooLarge(amount=amount, currency=currency)
    try:
        units = _EXACT.scaleb(amount, digits)
        whole = _EXACT.to_integral_exact(units)
    except Inexact:
        raise FractionOfMinorUnit(amount=amount, currency=currency, scale=scale) from None
    if abs(whole) > MAX_BIGINT:
        raise AmountTooLarge(amount=amount, currency=currency)
    return int(whole)


def to_decimal(minor: int | Decimal, currency: str, *, scale: int | None = None) -> Decimal:
    """Minor units, or such with `scale` decimals, as the decimal number that a person writes."""
    return Decimal(minor).scaleb(-(minor_digits(currency) if scale is None else scale))


def in_minor(units: int, currency: str, *, scale: int | None) -> Decimal:
    """Units with `scale` decimals in minor units, of which they may be fractions."""
    digits = minor_digits(currency)
    return Decimal(units).scaleb(digits - (digits if scale is None else scale))


def shown(minor: int | Decimal, currency: str) -> str:
    """An amount for a person, such as "1,250.00 EUR"."""
    return f"{to_decimal(minor, currency):,f} {currency}"

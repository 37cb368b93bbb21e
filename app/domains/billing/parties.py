"""Who issues invoices and who gets them, as somebody describes them: checked, and in one form."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.errors import InvalidInput
from app.values.account_numbers import iban_of, vat_id_of
from app.values.countries import check_country
from app.values.text import quoted
from app.values.timezones import check_timezone

MAX_ADDRESS_LINES = 8


class Layout(StrEnum):
    """How a tenant's invoices look."""

    CLASSIC = "classic"
    MODERN = "modern"
    COMPACT = "compact"


class AddressNotAllowed(InvalidInput):
    """Raised for an address that no envelope takes."""

    code = "address_not_allowed"

    def __init__(self, *, address: str, lines: int) -> None:
        super().__init__(
            f"The address {quoted(address)} has {lines} lines: give street, postcode and city in at most "
            f"{MAX_ADDRESS_LINES}."
        )


@dataclass(frozen=True, kw_only=True)
class _Party:
    name: str
    address: str
    country: str
    email: str
    tax_number: str | None
    timezone: str

    def __post_init__(self) -> None:
        check_country(self.country)
        check_timezone(self.timezone)
        self._set("address", _address_of(self.address))
        self._set("tax_number", _tax_number_of(self.tax_number))

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


@dataclass(frozen=True, kw_only=True)
class TenantFacts(_Party):
    """Somebody who issues invoices."""

    iban: str | None
    layout: Layout
    number_prefix: str
    is_numbered_by_year: bool

    def __post_init__(self) -> None:
        super().__post_init__()
        self._set("iban", iban_of(self.iban) if self.iban is not None else None)


@dataclass(frozen=True, kw_only=True)
class ClientFacts(_Party):
    """Somebody who gets invoices."""

    payment_days: int


def _address_of(text: str) -> str:
    """Its lines without what is blank in and between them."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not 0 < len(lines) <= MAX_ADDRESS_LINES:
        raise AddressNotAllowed(address=text, lines=len(lines))
    return "\n".join(lines)


def _tax_number_of(text: str | None) -> str | None:
    """A VAT id in its plain form; a number of one tax office, which begins with a digit, as it is."""
    if text is None or text[:1].isdecimal():
        return text
    return vat_id_of(text)

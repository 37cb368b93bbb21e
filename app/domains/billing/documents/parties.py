"""Who sells, who buys, and where money goes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import ClassVar

from app.domains.billing.documents.texts import (
    MAX_DESCRIPTION,
    line,
    optional_line,
    optional_paragraph,
)
from app.values.account_numbers import iban_of
from app.values.countries import check_country


@dataclass(frozen=True, kw_only=True, slots=True)
class Party:
    """A business or a person; `country` is its code of two letters (ISO 3166)."""

    role: ClassVar[str]

    name: str
    #: Its lines, without the country.
    address: str | None = None
    country: str | None = None
    vat_id: str | None = None
    #: Of a tax office, where there is no VAT id.
    tax_number: str | None = None
    #: In a register of companies.
    registration: str | None = None
    contact: str | None = None
    email: str | None = None
    phone: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", line(self.name, what=f"name of the {self.role}"))
        what = f"address of the {self.role}"
        address = optional_paragraph(self.address, what=what, limit=MAX_DESCRIPTION)
        object.__setattr__(self, "address", address)
        for field in fields(self):
            if field.name not in {"name", "address"}:
                what = f"{field.name.replace('_', ' ')} of the {self.role}"
                object.__setattr__(self, field.name, optional_line(getattr(self, field.name), what=what))
        if self.country is not None:
            check_country(self.country)

    @property
    def address_lines(self) -> list[str]:
        """The lines in which something stands."""
        return [part for part in (self.address or "").split("\n") if part]


class Seller(Party):
    """Who makes the document, and gets the money."""

    __slots__ = ()
    role = "seller"


class Buyer(Party):
    """Whom the document goes to."""

    __slots__ = ()
    role = "buyer"


@dataclass(frozen=True, kw_only=True, slots=True)
class Payment:
    """Where to pay, and how the payment is told from others."""

    iban: str
    holder: str | None = None
    bic: str | None = None
    bank: str | None = None
    reference: str | None = None
    terms: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "iban", iban_of(self.iban))
        for name in ("holder", "bic", "bank", "reference"):
            what = f"{name} of the payment"
            object.__setattr__(self, name, optional_line(getattr(self, name), what=what))
        object.__setattr__(self, "terms", optional_paragraph(self.terms, what="terms of payment"))

"""Who sells, who buys, and where money goes."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import ClassVar

from app.domains.billing.documents.errors import NoIban, UnknownCountry
from app.domains.billing.documents.texts import line, optional_line, optional_paragraph

_COUNTRY = re.compile(r"[A-Z]{2}")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{10,30}")
#: By ISO 7064, of a number with its check digits.
_MODULUS = 97


@dataclass(frozen=True, kw_only=True, slots=True)
class Party:
    """A business or a person with an address; `country` is its code of two letters (ISO 3166)."""

    role: ClassVar[str]

    name: str
    street: str | None = None
    #: More of the address: a building, a department.
    extra: str | None = None
    post_code: str | None = None
    city: str | None = None
    country: str | None = None
    vat_id: str | None = None
    tax_number: str | None = None
    #: In a register of companies.
    registration: str | None = None
    contact: str | None = None
    email: str | None = None
    phone: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", line(self.name, what=f"name of the {self.role}"))
        for field in fields(self):
            if field.name != "name":
                what = f"{field.name.replace('_', ' ')} of the {self.role}"
                object.__setattr__(self, field.name, optional_line(getattr(self, field.name), what=what))
        if self.country is not None and not _COUNTRY.fullmatch(self.country):
            raise UnknownCountry(whose=self.role, country=self.country)


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
        object.__setattr__(self, "iban", _iban(self.iban))
        for name in ("holder", "bic", "bank", "reference"):
            what = f"{name} of the payment"
            object.__setattr__(self, name, optional_line(getattr(self, name), what=what))
        object.__setattr__(self, "terms", optional_paragraph(self.terms, what="terms of payment"))


def _iban(text: str) -> str:
    """An IBAN without its spaces. Raises `NoIban`: money for a wrong one does not come back by itself."""
    iban = "".join(text.split()).upper()
    if not _IBAN.fullmatch(iban):
        raise NoIban(iban=text)
    # Letters count as 10 to 35, and the country with its check digits comes last (ISO 13616).
    digits = "".join(str(int(character, 36)) for character in iban[4:] + iban[:4])
    if int(digits) % _MODULUS != 1:
        raise NoIban(iban=text)
    return iban

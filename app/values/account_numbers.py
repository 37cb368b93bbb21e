"""Numbers by which banks and tax offices know somebody, in the form without spaces."""

from __future__ import annotations

import re

from app.errors import InvalidInput
from app.values.countries import COUNTRIES
from app.values.text import quoted

_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", re.ASCII | re.IGNORECASE)
#: Kosovo has no code of ISO 3166, and one of banks.
_IBAN_PREFIXES = COUNTRIES | {"XK"}
#: By ISO 7064, of an IBAN with its check digits.
_MODULUS = 97
_VAT_ID = re.compile(r"[A-Z]{2}[A-Z0-9+*]{2,15}", re.ASCII | re.IGNORECASE)
#: What people write between the digits.
_SEPARATORS = re.compile(r"[ .\-\u00a0]")
#: Of VAT ids: Greece numbers its own as EL, Northern Ireland as XI. Source: EN 16931, BR-CO-9.
_VAT_PREFIXES = COUNTRIES | {"EL", "XI"}


class NotAnIban(InvalidInput):
    """Raised for an IBAN that no account has: money sent there does not come back by itself."""

    code = "not_an_iban"

    def __init__(self, *, iban: str, problem: str) -> None:
        super().__init__(f"{quoted(iban)} is no IBAN: {problem}. Copy it from a statement of the account.")


class NotAVatId(InvalidInput):
    """Raised for what is no VAT id."""

    code = "not_a_vat_id"

    def __init__(self, *, vat_id: str) -> None:
        super().__init__(
            f"{quoted(vat_id)} is no VAT id: give the country and the number without spaces, "
            "such as DE123456789."
        )


def iban_of(text: str) -> str:
    """The IBAN that `text` writes out, with or without spaces. Raises `NotAnIban`."""
    iban = _plain(_IBAN, text, prefixes=_IBAN_PREFIXES)
    if iban is None:
        raise NotAnIban(iban=text, problem="it needs a country, two check digits and the account")
    # Letters count as 10 to 35, and the country with its check digits comes last (ISO 13616).
    digits = "".join(str(int(character, 36)) for character in iban[4:] + iban[:4])
    if int(digits) % _MODULUS != 1:
        raise NotAnIban(iban=text, problem="its check digits do not fit the rest")
    return iban


def vat_id_of(text: str) -> str:
    """The VAT id that `text` writes out, in its plain form. Raises `NotAVatId`."""
    vat_id = _plain(_VAT_ID, text, prefixes=_VAT_PREFIXES)
    if vat_id is None:
        raise NotAVatId(vat_id=text)
    return vat_id


def _plain(form: re.Pattern[str], text: str, *, prefixes: frozenset[str]) -> str | None:
    bare = _SEPARATORS.sub("", text)
    if not form.fullmatch(bare):
        return None
    plain = bare.upper()
    return plain if plain[:2] in prefixes else None

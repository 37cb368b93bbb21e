"""IBANs and VAT ids: one form, and none that does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.values.account_numbers import NotAnIban, NotAVatId, iban_of, vat_id_of

if TYPE_CHECKING:
    from app.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "iban"),
    [
        ("DE89370400440532013000", "DE89370400440532013000"),
        ("de89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("GB29 NWBK 6016 1331 9268 19", "GB29NWBK60161331926819"),
        ("NO93 8601 1117 947", "NO9386011117947"),
        ("XK051212012345678906", "XK051212012345678906"),
    ],
)
def test_an_iban_is_kept_without_spaces(text: str, iban: str) -> None:
    assert iban_of(text) == iban


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("DE89370400440532013001", '"DE89370400440532013001" is no IBAN: its check digits do not fit'),
        ("DE98370400440532013000", "check digits"),
        ("", '"" is no IBAN: it needs a country'),
        ("ZZ89370400440532013000", "it needs a country"),
        ("DE89", "it needs a country"),
        ("\u0130E89370400440532013000", "it needs a country"),
        ("DE٨٩370400440532013000", "it needs a country"),
        ("\ud800" + "9" * 1_000_000, r'"\ud800999'),
    ],
)
def test_what_is_no_iban(text: str, says: str) -> None:
    refused(iban_of, text, NotAnIban, says)


@pytest.mark.parametrize(
    ("text", "vat_id"),
    [
        ("DE123456789", "DE123456789"),
        ("de 123 456 789", "DE123456789"),
        ("ATU12345678", "ATU12345678"),
        ("EL123456789", "EL123456789"),
        ("NL123456789B01", "NL123456789B01"),
        ("CHE-123.456.789 MWST", "CHE123456789MWST"),
    ],
)
def test_a_vat_id_is_kept_in_its_plain_form(text: str, vat_id: str) -> None:
    assert vat_id_of(text) == vat_id


@pytest.mark.parametrize(
    "text", ["", "DE", "ZZ123456789", "123456789", "DE12345/6789", "\u017fE123456", "DE" * 9]
)
def test_what_is_no_vat_id(text: str) -> None:
    refused(vat_id_of, text, NotAVatId, "is no VAT id: give the country and the number")


def refused(read: object, text: str, error: type[InvalidInput], says: str) -> None:
    assert callable(read)
    with pytest.raises(error) as caught:
        read(text)
    assert says in str(caught.value)
    str(caught.value).encode()

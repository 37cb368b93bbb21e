"""What cannot be printed or does not add up is refused with a sentence; other text stays as it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from app.domains.billing.charging.errors import NumberNotAllowed, YearNotAllowed
from app.domains.billing.documents.errors import (
    AmountsDisagree,
    CreditsNothing,
    NumberMissing,
    PeriodReversed,
    RateNotAllowed,
    TextNotPrintable,
    TextTooLong,
    TooMany,
    UnknownDocumentCurrency,
)
from app.domains.billing.documents.facts import MAX_LINES, Kind, Line
from app.domains.billing.documents.parties import Buyer, Payment, Seller
from app.values.account_numbers import NotAnIban
from app.values.countries import UnknownCountry
from app.values.row_ids import MAX_BIGINT
from tests.domains.billing.charging.work import VAT
from tests.domains.billing.documents.samples import BUYER, CREDITED, IBAN, SELLER, document, fee, time

if TYPE_CHECKING:
    from app.errors import GroundworkError


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "The name of the buyer cannot be printed: it has no visible character"),
        ("\u202e", "The name of the buyer cannot be printed: it has no visible character"),
        (
            "Null\0",
            "The name of the buyer cannot be printed: it holds the control character U+0000; remove it.",
        ),
        ("Bell\x07", "it holds the control character U+0007; remove it."),
        ("Line\nbreak", "it holds the control character U+000A; remove it."),
        ("Half \ud83d", "it holds half of a surrogate pair, U+D83D; remove it."),
        ("None \uffff", "it holds U+FFFF, which is no character; remove it."),
        ("None \U0001fffe", "it holds U+1FFFE, which is no character; remove it."),
        ("x" * 301, "The name of the buyer has 301 characters, and 300 is the most. Shorten it."),
    ],
)
def test_a_name_that_cannot_be_printed_is_refused(name: str, sentence: str) -> None:
    with pytest.raises((TextNotPrintable, TextTooLong)) as refused:
        Buyer(name=name)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("  two   blanks ", "two blanks"),
        ("right\u202eto\u202cleft", "righttoleft"),
        ("\u2066isolated\u2069", "isolated"),
        ("soft\u00adhyphen\ufeff", "softhyphen"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("line\u2028separator", "line separator"),
        ("e\u0301", "é"),
        ("<b>{{ x }}</b> #let \\input", "<b>{{ x }}</b> #let \\input"),
    ],
)
def test_what_moves_other_text_is_left_out_and_all_else_stays(name: str, kept: str) -> None:
    assert Buyer(name=name).name == kept


def test_an_empty_detail_is_none() -> None:
    assert (Buyer(name="A", phone=" ").phone, Buyer(name="A", address="\n").address) == (None, None)


@pytest.mark.parametrize("country", ["de", "DEU", "Germany", "Ð€"])
def test_a_country_is_given_by_its_code(country: str) -> None:
    with pytest.raises(UnknownCountry, match="is no country of ISO 3166-1"):
        Seller(name="A", country=country)


@pytest.mark.parametrize(
    "iban", ["", "DE", "DE89370400440532013001", "89370400440532013000", "DE8937\0", "1" * 9999]
)
def test_a_wrong_account_number_is_refused(iban: str) -> None:
    with pytest.raises(NotAnIban, match="is no IBAN"):
        Payment(iban=iban)


def test_an_account_number_may_be_written_in_groups() -> None:
    assert Payment(iban="de89 3704 0044 0532 0130 00").iban == IBAN


@pytest.mark.parametrize(
    ("seconds", "rate"),
    [
        (None, Decimal(1)),
        (3600, Decimal("NaN")),
        (3600, Decimal(-1)),
        (3600, Decimal("Infinity")),
    ],
)
def test_time_has_a_length_and_a_rate(seconds: int | None, rate: Decimal | None) -> None:
    with pytest.raises(RateNotAllowed, match="give the time with a rate"):
        Line(description="Work", seconds=seconds, rate=rate, net=1, tax=VAT)


@pytest.mark.parametrize("net", [True, 1.5, MAX_BIGINT + 1, pytest.param(10**5000, id="far too many digits")])
def test_an_amount_is_a_whole_number_that_can_be_kept(net: Any) -> None:
    with pytest.raises(NumberNotAllowed, match="amount of a line"):
        fee(net)


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"number": None}, NumberMissing, "needs its number"),
        ({"number": "  "}, NumberMissing, "needs its number"),
        ({"currency": "EURO"}, UnknownDocumentCurrency, 'Did you mean "EUR"'),
        ({"currency": ""}, UnknownDocumentCurrency, "Use a code such as EUR"),
        ({"currency": "\0" * 99}, UnknownDocumentCurrency, "is no currency of ISO 4217"),
        ({"credited": CREDITED}, CreditsNothing, "kind invoice"),
        ({"kind": Kind.CREDIT_NOTE}, CreditsNothing, "kind credit_note"),
        ({"issued": date(9999, 12, 31)}, YearNotAllowed, "day of the document is in the year 9999"),
        ({"due": date(1, 1, 1)}, YearNotAllowed, "on which the document is due is in the year 1"),
        ({"period": (date(2026, 2, 1), date(2026, 1, 1))}, PeriodReversed, "from 2026-02-01 to 2026-01-01"),
        ({"notes": ("x",) * 21}, TooMany, "cannot have 21 notes: 20 is the most"),
        ({"notes": ("x" * 4001,)}, TextTooLong, "has 4,001 characters"),
        ({"buyer_reference": "a\tb"}, TextNotPrintable, "U\\+0009"),
    ],
)
def test_what_makes_no_document_is_refused(
    changes: dict[str, Any], error: type[GroundworkError], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        document(**changes)


def test_nobody_reads_so_many_lines() -> None:
    line = fee(1)
    with pytest.raises(TooMany, match="cannot have 2,001 lines: 2,000 is the most"):
        document(lines=(line,) * (MAX_LINES + 1))


def test_a_draft_needs_no_number() -> None:
    assert document(draft=True, number=None).number is None


@pytest.mark.parametrize("name", ["net", "tax", "gross", "payable"])
def test_a_total_that_is_a_cent_off_is_refused(name: str) -> None:
    good = document()
    with pytest.raises(AmountsDisagree, match=f"The {name} of the document is given as") as refused:
        replace(good, **{name: getattr(good, name) + 1})
    assert "EUR" in str(refused.value)


def test_taxes_are_those_of_the_lines() -> None:
    good = document(lines=(fee(100_00),))
    (total,) = good.taxes
    with pytest.raises(
        AmountsDisagree, match=r"net of the tax of 19 % .S. is given as 0.00 EUR, .* 100.00 EUR"
    ):
        replace(good, taxes=(replace(total, percent=Decimal(7)),))


def test_a_rate_may_be_written_with_zeros() -> None:
    good = document(lines=(fee(100_00),))
    (total,) = good.taxes
    assert replace(good, taxes=(replace(total, percent=Decimal("19.00")),)) == good


def test_what_others_keep_is_not_changed() -> None:
    good = document(lines=(time(),), seller=SELLER, buyer=BUYER)
    assert (good.seller, good.buyer, good.lines) == (SELLER, BUYER, (time(),))


@pytest.mark.parametrize("name", ["net", "tax"])
def test_the_amounts_of_a_tax_can_be_kept_too(name: str) -> None:
    good = document(lines=(fee(100_00),))
    (total,) = good.taxes
    huge: Any = {name: 10**5000}
    with pytest.raises(NumberNotAllowed, match=f"The {name} of a"):
        replace(good, taxes=(replace(total, **huge),))

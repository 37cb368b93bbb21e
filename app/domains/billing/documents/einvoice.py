"""The data of a document by EN 16931, as XML of Factur-X and ZUGFeRD (profile EN 16931, or COMFORT)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from app.domains.billing.documents.billed import Signed, line_of
from app.domains.billing.documents.facts import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domains.billing.documents.facts import Document
    from app.domains.billing.documents.parties import Party

LEVEL = "en16931"
#: UNTDID 1001.
_TYPES = {Kind.INVOICE: "380", Kind.CREDIT_NOTE: "381"}
#: UNTDID 4461: a credit transfer, and one in the euro area.
_TRANSFER = "30"
_SEPA_TRANSFER = "58"
_BY_EMAIL = "EM"
#: A word with a digit before the name of a place.
_PLACE = re.compile(r"(?P<postcode>\S*\d\S*)\s+(?P<city>.+)")


def xml_of(document: Document) -> bytes:
    """The XML of a document that `obstacles_to` finds nothing against."""
    from facturx import generate_cii_xml

    # Its own checks load the schemas for each document: the tests do that, for every kind of document.
    xml: bytes = generate_cii_xml(
        _business_terms(document), level=LEVEL, check_xsd=False, check_schematron=None
    )
    return xml


def _business_terms(document: Document) -> dict[str, Any]:
    """The terms (BT) and groups (BG) of EN 16931, by their numbers; those without a value are left out."""
    amounts = Signed(document)
    terms = {
        "BT-1": document.number,
        "BT-2": document.issued,
        "BT-3": _TYPES[document.kind],
        "BT-5": document.currency,
        "BT-9": document.due,
        "BT-10": document.buyer_reference,
        "BT-13": document.order_reference,
        "BT-72": document.supplied,
        "BG-1": [{"BT-22": note} for note in document.notes],
        "BG-4": _party(document.seller),
        "BG-7": _party(document.buyer),
        "BG-23": _taxes(document, amounts),
        "BG-25": [
            line_of(line, number=number, amounts=amounts) for number, line in enumerate(document.lines, 1)
        ],
        "BT-106": amounts(document.net),
        "BT-109": amounts(document.net),
        "BT-110": amounts(document.tax),
        "BT-112": amounts(document.gross),
        "BT-113": amounts(document.paid) if document.paid else None,
        "BT-115": amounts(document.payable),
    }
    for more in (_period(document), _credited(document), _payment(document)):
        terms |= more
    return {term: value for term, value in terms.items() if value is not None}


def _party(party: Party) -> dict[str, Any]:
    contact = {"name": party.contact, "phone": party.phone, "email": party.email}
    return {
        "name": party.name,
        "legal_identifier": party.registration,
        "vat_identifier": party.vat_id,
        "tax_identifier": party.tax_number,
        # Somebody has to be known by some number (BR-CO-26), and some have that of their tax office alone.
        "identifiers": {None: party.tax_number} if party.tax_number and not party.vat_id else {},
        **_address(party.address_lines),
        "country_code": party.country,
        "contacts": [contact] if any(contact.values()) else [],
        "einvoicing_addr": party.email,
        "einvoicing_addr_schemeid": _BY_EMAIL,
    }


def _address(lines: Sequence[str]) -> dict[str, str]:
    """Up to three lines, and the place, where the last line tells it from its postcode."""
    place = _PLACE.fullmatch(lines[-1]) if lines else None
    first, second, *others = [*(lines[:-1] if place else lines), "", ""]
    third = ", ".join(other for other in others if other)
    return {"addr_l1": first, "addr_l2": second, "addr_l3": third} | (place.groupdict() if place else {})


def _taxes(document: Document, amounts: Signed) -> list[dict[str, Any]]:
    return [
        {
            "BT-116": amounts(total.net),
            "BT-117": amounts(total.tax),
            "BT-118": str(total.category),
            "BT-119": f"{total.percent.normalize():f}",
            "BT-120": total.reason,
        }
        for total in document.taxes
    ]


def _period(document: Document) -> dict[str, Any]:
    return dict(zip(("BT-73", "BT-74"), document.period or (), strict=False))


def _credited(document: Document) -> dict[str, Any]:
    credited = document.credited
    return {} if credited is None else {"BG-3": [{"BT-25": credited.number, "BT-26": credited.issued}]}


def _payment(document: Document) -> dict[str, Any]:
    payment = document.payment
    if document.credited is not None:  # nothing is to be paid, and BR-CO-25 wants that said
        return {"BT-20": f"Credited against invoice {document.credited.number}"}
    if payment is None:
        return {}
    return {
        "BT-20": payment.terms,
        "BT-81": _SEPA_TRANSFER if document.currency == "EUR" else _TRANSFER,
        "BT-83": payment.reference or document.number,
        "BT-84": payment.iban,
        "BT-85": payment.holder or document.seller.name,
        "BT-86": payment.bic,
    }

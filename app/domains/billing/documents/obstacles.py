"""Why a document cannot be an electronic invoice by EN 16931, though it can be printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domains.billing.charging.taxes import TaxCategory
from app.domains.billing.documents.facts import Kind
from app.values.account_numbers import NotAVatId, vat_id_of
from app.values.money import USUAL_MINOR_DIGITS, minor_digits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.domains.billing.documents.facts import Document
    from app.domains.billing.documents.parties import Party


def obstacles_to(document: Document) -> tuple[str, ...]:
    """What is missing or cannot be said, each as a sentence; nothing if the document can have its XML."""
    return (*_of_document(document), *_of_parties(document))


def _of_document(document: Document) -> Iterator[str]:
    if document.draft:
        yield "It is a draft."
    if not document.number:
        yield "It has no number."
    if not document.lines:
        yield "It has no lines (BR-16)."
    if minor_digits(document.currency) > USUAL_MINOR_DIGITS:
        yield f"{document.currency} has more than the two decimals of an electronic invoice (BR-DEC-09)."
    terms = document.payment.terms if document.payment is not None else None
    if document.kind is Kind.INVOICE and document.payable > 0 and document.due is None and not terms:
        yield "It says neither when it is due nor on which terms (BR-CO-25)."


def _of_parties(document: Document) -> Iterator[str]:
    seller, buyer = document.seller, document.buyer
    for party in (seller, buyer):
        yield from _of_party(party)
    if not (seller.vat_id or seller.tax_number):
        yield "The seller has neither a VAT ID nor a tax number (BR-S-2)."
    reverse = any(total.category == TaxCategory.REVERSE_CHARGE for total in document.taxes)
    if reverse and not (buyer.vat_id or buyer.registration):
        yield "The tax is the buyer's, who has neither a VAT ID nor a registration (BR-AE-2)."


def _of_party(party: Party) -> Iterator[str]:
    if party.country is None:
        yield f"The country of the {party.role} is missing (BR-9, BR-11)."
    if party.vat_id is not None and not _is_vat_id(party.vat_id):
        yield f"The VAT ID of the {party.role} does not begin with a country (BR-CO-9)."


def _is_vat_id(text: str) -> bool:
    try:
        vat_id_of(text)
    except NotAVatId:
        return False
    return True

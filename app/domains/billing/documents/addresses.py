"""Who somebody is and where, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.domains.billing.documents.wording import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.domains.billing.documents.parties import Party


def of_party(party: Party) -> dict[str, Any]:
    """The name, the lines of the address, what registers know it by, and how to reach it."""
    return {
        "name": text(party.name),
        "address": [text(line) for line in _address(party)],
        "ids": [text(line) for line in _ids(party)],
        "contact": [text(line) for line in (party.contact, party.email, party.phone) if line],
    }


def _address(party: Party) -> Iterator[str]:
    yield from party.address_lines
    if party.country:
        yield _country(party.country)


def _ids(party: Party) -> Iterator[str]:
    if party.vat_id:
        yield f"VAT ID {party.vat_id}"
    if party.tax_number:
        yield f"Tax number {party.tax_number}"
    if party.registration:
        yield f"Registered as {party.registration}"


def _country(code: str) -> str:
    """The name of a country; its code where it has none."""
    from babel import Locale  # not above: services would start later for it

    return str(Locale("en").territories.get(code, code))

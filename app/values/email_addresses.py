"""Addresses of mail as values: how two are told apart, and their form on the wire."""

from __future__ import annotations

import unicodedata

from app.errors import InvalidInput


class CannotBeAddressed(InvalidInput):
    """Raised for an address that no mail server could be told."""

    code = "cannot_be_addressed"

    def __init__(self, *, address: str, problem: str) -> None:
        super().__init__(f"{address} cannot get mail: {problem}.")


def wire_form(address: str) -> str:
    """The address with its domain in ASCII, as servers are told it. Raises `CannotBeAddressed`.

    A local part has no such form: where it is not ASCII, neither is what this gives.
    """
    local, _, domain = address.rpartition("@")
    if not local or not domain or not address.isprintable():
        raise CannotBeAddressed(address=ascii(address), problem="it is not an address")
    return address if domain.isascii() else f"{local}@{_ascii_domain(address, domain)}"


def _ascii_domain(address: str, domain: str) -> str:
    # Few domains have another form, and each service would load what they need.
    from email_validator import EmailNotValidError, validate_email

    try:
        checked = validate_email(f"x@{domain}", check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise CannotBeAddressed(address=address, problem=str(error).rstrip(".")) from None
    return checked.ascii_domain


def key_of(address: str) -> str:
    """What two spellings of one address have in common. Source: RFC 8265 3.3, for the case of letters."""
    lower = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", address).lower())
    try:
        return wire_form(lower)
    except CannotBeAddressed:
        return lower

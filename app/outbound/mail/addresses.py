"""Addresses of mail: which are taken at the door, how they are told apart, and their form on the wire."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import EmailStr, Field

from app.errors import InvalidInput
from app.settings.config import settings
from app.values.text_fields import saying

#: What SES takes in one mail. Source: Amazon SES, service quotas.
MOST_RECIPIENTS = 50
MOST_ADDRESS = 254


class CannotBeAddressed(InvalidInput):
    """Raised for an address that no mail server could be told."""

    code = "cannot_be_addressed"

    def __init__(self, *, address: str, problem: str) -> None:
        super().__init__(f"{address} cannot be written to: {problem}.")


def _can_be_delivered(address: str) -> str:
    if address.rpartition("@")[0].isascii() or settings().mail_smtputf8:
        return address
    raise ValueError(
        "the part before the @ is not plain ASCII, which few mail servers take; give another address, or set "
        "GROUNDWORK_MAIL_SMTPUTF8 if yours offers SMTPUTF8"
    )


Mailbox = Annotated[EmailStr, Field(max_length=MOST_ADDRESS), saying(_can_be_delivered)]
Recipients = Annotated[list[Mailbox], Field(min_length=1, max_length=MOST_RECIPIENTS)]


def wire_form(address: str) -> str:
    """The address with its domain in ASCII, as servers are told it. Raises `CannotBeAddressed`.

    A local part has no such form: where it is not ASCII, neither is what this gives.
    """
    local, _, domain = address.rpartition("@")
    if not local or not domain or not address.isprintable():
        raise CannotBeAddressed(address=ascii(address), problem="it is no address")
    return address if domain.isascii() else f"{local}@{_ascii_domain(address, domain)}"


def _ascii_domain(address: str, domain: str) -> str:
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

"""Addresses of mail: which are taken at the door, and how many at once."""

from __future__ import annotations

from typing import Annotated

from pydantic import EmailStr, Field

from app.settings.config import settings
from app.values.text_fields import saying

#: What SES takes in one mail. Source: Amazon SES, service quotas.
MAX_RECIPIENTS = 50
MAX_ADDRESS = 254


def _can_be_delivered(address: str) -> str:
    if address.rpartition("@")[0].isascii() or settings().mail_smtputf8:
        return address
    raise ValueError(
        "the part before the @ is not plain ASCII, which few mail servers take; give another address, or set "
        "GROUNDWORK_MAIL_SMTPUTF8 if yours offers SMTPUTF8"
    )


Mailbox = Annotated[EmailStr, Field(max_length=MAX_ADDRESS), saying(_can_be_delivered)]
Recipients = Annotated[list[Mailbox], Field(min_length=1, max_length=MAX_RECIPIENTS)]

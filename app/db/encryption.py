"""Encryption of what the database and the wire must not show, with keys made of the secret key."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from sqlalchemy import Text
from sqlalchemy.types import TypeDecorator

from app.errors import GroundworkError
from app.settings.config import settings

if TYPE_CHECKING:
    from sqlalchemy import Dialect


#: Begins what `EncryptedAlike` stores; no address of a device does.
ALIKE = "sealed:"


class EncryptedUnderAnotherKey(GroundworkError):
    """Raised when something was encrypted under another `GROUNDWORK_SECRET_KEY`."""

    code = "encrypted_under_another_key"

    def __init__(self, *, purpose: str) -> None:
        super().__init__(
            f"The {purpose} in the database cannot be read with GROUNDWORK_SECRET_KEY. Give every host the "
            "same key, the one they were stored with."
        )


def cipher(purpose: str) -> Fernet:
    """The cipher for one purpose; what is encrypted for one cannot pass for another."""
    secret = settings().secret_key.get_secret_value().encode()
    # The settings' secret has at least 192 bits, so one hash makes a key of it; no slow derivation is needed.
    return Fernet(
        base64.urlsafe_b64encode(hashlib.sha256(f"groundwork {purpose}".encode() + secret).digest())
    )


class Encrypted(TypeDecorator[str]):
    """Text that is stored encrypted for `purpose`; only this application can read it."""

    impl = Text
    cache_ok = True

    def __init__(self, purpose: str) -> None:
        super().__init__()
        self.purpose = purpose

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else cipher(self.purpose).encrypt(value.encode()).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        if value is None:
            return None
        try:
            return cipher(self.purpose).decrypt(value.encode()).decode()
        except InvalidToken:
            raise EncryptedUnderAnotherKey(purpose=self.purpose) from None


class EncryptedAlike(Encrypted):
    """Text that is stored encrypted, equal texts alike: the database can tell that it has one, not which.

    What was stored before it was encrypted is read as it is.
    """

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        if value is None:
            return None
        sealed = _cipher_alike(self.purpose).encrypt(value.encode(), None)
        return ALIKE + base64.urlsafe_b64encode(sealed).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        if value is None or not value.startswith(ALIKE):
            return value
        try:
            sealed = base64.urlsafe_b64decode(value.removeprefix(ALIKE))
            return _cipher_alike(self.purpose).decrypt(sealed, None).decode()
        except (InvalidTag, ValueError):
            raise EncryptedUnderAnotherKey(purpose=self.purpose) from None


def _cipher_alike(purpose: str) -> AESSIV:
    secret = settings().secret_key.get_secret_value().encode()
    return AESSIV(hashlib.sha512(f"groundwork {purpose}, alike".encode() + secret).digest())

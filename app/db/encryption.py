"""Encryption of what the database and the wire must not show, with keys made of the secret keys.

The first key encrypts. All decrypt, so that another can take its place while the service runs.
"""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
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
    """Raised when something was encrypted under a key that the settings do not hold."""

    code = "encrypted_under_another_key"

    def __init__(self, *, purpose: str) -> None:
        super().__init__(
            f"The {purpose} in the database cannot be read with GROUNDWORK_SECRET_KEY or one of "
            "GROUNDWORK_OTHER_SECRET_KEYS. Give every host the same keys, among them the one they were "
            "stored with."
        )


def cipher(purpose: str) -> MultiFernet:
    """The cipher for one purpose; what is encrypted for one cannot pass for another."""
    return MultiFernet(_fernets(purpose))


def signing_keys(purpose: str) -> list[bytes]:
    """Keys that sign for one purpose and nothing else: the first signs, all verify."""
    return _keys(f"{purpose}, signed", "sha256")


def renewed(purpose: str, token: str) -> str:
    """`token`, encrypted under the first key unless it is already. Raises `InvalidToken`."""
    first, *others = _fernets(purpose)
    with suppress(InvalidToken):
        first.decrypt(token.encode())
        return token
    return MultiFernet([first, *others]).rotate(token.encode()).decode()


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

    def renewed(self, stored: str) -> str:
        """What is stored, as it would be stored now. Raises `EncryptedUnderAnotherKey`."""
        try:
            return renewed(self.purpose, stored)
        except InvalidToken:
            raise EncryptedUnderAnotherKey(purpose=self.purpose) from None


class EncryptedAlike(Encrypted):
    """Text that is stored encrypted, equal texts alike: the database can tell that it has one, not which.

    What was stored before it was encrypted is read as it is.
    """

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else self._forms(value)[0]

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else self._clear(value)

    def renewed(self, stored: str) -> str:
        """What is stored, as it would be stored now. Raises `EncryptedUnderAnotherKey`."""
        return self._forms(self._clear(stored))[0]

    def outdated(self, value: str) -> list[str]:
        """The forms in which `value` may be stored from earlier: under the other keys, and in clear."""
        return [*self._forms(value)[1:], value]

    def _clear(self, stored: str) -> str:
        if not stored.startswith(ALIKE):
            return stored
        for one in self._ciphers():
            with suppress(InvalidTag, ValueError):
                return one.decrypt(base64.urlsafe_b64decode(stored.removeprefix(ALIKE)), None).decode()
        raise EncryptedUnderAnotherKey(purpose=self.purpose)

    def _forms(self, value: str) -> list[str]:
        sealed = [one.encrypt(value.encode(), None) for one in self._ciphers()]
        return [ALIKE + base64.urlsafe_b64encode(one).decode() for one in sealed]

    def _ciphers(self) -> list[AESSIV]:
        return [AESSIV(key) for key in _keys(f"{self.purpose}, alike", "sha512")]


def _fernets(purpose: str) -> list[Fernet]:
    return [Fernet(base64.urlsafe_b64encode(key)) for key in _keys(purpose, "sha256")]


def _keys(purpose: str, algorithm: str) -> list[bytes]:
    # The settings' secrets have at least 192 bits, so one hash makes a key of each, and no slow derivation.
    return [
        hashlib.new(algorithm, f"groundwork {purpose}{secret}".encode()).digest()
        for secret in settings().secret_keys
    ]

"""The hash of a password as RabbitMQ keeps it, so that no file on the host holds the password itself."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SALT_BYTES = 4


def rabbitmq_hash(password: str, user: str) -> str:
    """The same each time: with a salt by chance each deploy would change it."""
    return salted(password, salt=hashlib.sha256(user.encode()).digest()[:SALT_BYTES])


def salted(password: str, *, salt: bytes) -> str:
    """As rabbit_password_hashing_sha256 has it."""
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


class FilterModule:
    """What Ansible asks for the filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by their names."""
        return {"rabbitmq_hash": rabbitmq_hash}

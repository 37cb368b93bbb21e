"""Hashes of passwords, slow on purpose: at most a few are made at once, and none on an event loop."""

from __future__ import annotations

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

#: Source: OWASP, Password Storage: 19 MiB, two passes, one thread. The memory is taken for each at once.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def hash_password(password: str) -> str:
    """What is stored of a prepared password; its parameters and its salt are in there."""
    return _HASHER.hash(password)


def matches(password: str, *, stored: str | None) -> bool:
    """Whether `stored` was made of this prepared password; without one, False after as long a time."""
    try:
        return _HASHER.verify(stored or _decoy(), password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str | None) -> bool:
    """Whether `stored` was made with other parameters than hashes are now."""
    return stored is not None and _HASHER.check_needs_rehash(stored)


@cache
def _decoy() -> str:
    return hash_password(secrets.token_urlsafe())

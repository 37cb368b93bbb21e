"""Looks a password up in the operator's list of those that were breached; it may have tens of gigabytes.

The list has a line for each: the SHA-1 in 40 hexadecimal digits, perhaps a colon and a count; sorted by it.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING, BinaryIO

from app.domains.accounts.passwords.errors import BreachedListUnusable
from app.settings.config import settings

if TYPE_CHECKING:
    from pathlib import Path

_LINE = re.compile(rb"([0-9A-Fa-f]{40})(?::[0-9]+)?\r?\n?")
_LONGEST_LINE = 128
#: Bytes that are read line by line when halving has led there.
_BLOCK = 4_096


class _NoList(Exception):
    """Raised at a line that is no digest."""


def is_breached(password: str) -> bool:
    """Whether the list has `password`. Raises `BreachedListUnusable` for a list that cannot be searched."""
    path = settings().breached_passwords
    if path is None:
        return False
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
    try:
        with path.open("rb") as file:
            return _holds(file, digest)
    except OSError as error:
        raise _unusable(path, str(error.strerror)) from None
    except _NoList:
        raise _unusable(path, "it has lines that are no SHA-1 in 40 hexadecimal digits") from None


def _unusable(path: Path, problem: str) -> BreachedListUnusable:
    return BreachedListUnusable(path=path, problem=problem)


def _holds(file: BinaryIO, digest: bytes) -> bool:
    low, high = 0, file.seek(0, os.SEEK_END)
    # The line of `digest`, if there is one, is the first whole one behind `low` or a later one before `high`.
    while high - low > _BLOCK:
        middle = (low + high) // 2
        file.seek(middle)
        file.readline(_LONGEST_LINE)
        start = file.tell()
        if _digest_in(file.readline(_LONGEST_LINE)) <= digest:
            low = middle
        else:
            high = start
    file.seek(low)
    if low:
        file.readline(_LONGEST_LINE)
    while file.tell() < high:
        if _digest_in(file.readline(_LONGEST_LINE)) == digest:
            return True
    return False


def _digest_in(line: bytes) -> bytes:
    found = _LINE.fullmatch(line)
    if found is None:
        raise _NoList
    return found[1].upper()

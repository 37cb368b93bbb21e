"""What is known of a file, and what may name one."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.storage.errors import FileTooLarge, UnusableDigest, UnusableKey, WrongDigest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_KEY = 512
#: No part is "..", none is hidden, and none can be read as an option of a command.
_PART = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
_KEY = re.compile(rf"{_PART}(?:/{_PART})*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A file that was stored just now."""

    key: str
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Found:
    """A file that is there. Its tag is another as soon as its bytes are."""

    size: int
    tag: str


def checked_key(key: str) -> str:
    """`key`, unless it cannot name a file. Raises `UnusableKey`."""
    if not isinstance(key, str) or len(key) > MAX_KEY or not _KEY.fullmatch(key):
        raise UnusableKey(key=key)
    return key


def checked_sha256(text: str) -> str:
    """A digest that somebody announced, in small letters. Raises `UnusableDigest`."""
    if not _SHA256.fullmatch(text.lower()):
        raise UnusableDigest(found=text)
    return text.lower()


class Measured:
    """Chunks that are counted and hashed as they pass by, up to a limit."""

    def __init__(self, chunks: Iterable[bytes], *, limit: int) -> None:
        self._chunks, self._limit = chunks, limit
        self._size, self._sha256 = 0, hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._size += len(chunk)
            if self._size > self._limit:
                raise FileTooLarge(limit=self._limit)
            self._sha256.update(chunk)
            yield chunk

    def stored(self, key: str, *, expected: str | None) -> Stored:
        """What passed by. Raises `WrongDigest` where something else was announced."""
        found = self._sha256.hexdigest()
        if expected is not None and found != expected:
            raise WrongDigest(expected=expected, found=found)
        return Stored(key=key, size=self._size, sha256=found)

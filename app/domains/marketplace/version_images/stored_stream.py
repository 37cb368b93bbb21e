"""A stored file as a stream that can be read from any place, whatever the store."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.storage.stores import Store


class StoredStream(io.RawIOBase):
    """Reads on where it was in one go; another place is asked for anew.

    Raises `NoSuchFile`, `FileChanged` where the file is another one meanwhile, and what else a store does.
    """

    def __init__(self, store: Store, key: str) -> None:
        super().__init__()
        self._store, self._key = store, key
        self._found = store.found(key)
        self._at = 0
        #: What the store gives, from where it has been read to.
        self._chunks: Iterator[bytes] = iter(())
        self._rest = memoryview(b"")
        self._rest_at = -1

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next byte is read from."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go there; nothing is read before somebody reads."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._found.size}[whence]
        self._at = max(start + offset, 0)
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        """Fill some of `buffer`; nothing at the end of the file."""
        wanted = memoryview(buffer).cast("B")
        if not wanted or self._at >= self._found.size:
            return 0
        if self._rest_at != self._at:
            self._begin()
        if not self._rest:
            self._rest = memoryview(next(self._chunks, b""))
        count = min(len(wanted), len(self._rest))
        wanted[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self._at += count
        self._rest_at = self._at
        return count

    def close(self) -> None:
        """Let go of what the store has open."""
        self._drop()
        super().close()

    def _begin(self) -> None:
        self._drop()
        self._chunks = self._store.chunks(self._key, start=self._at, tag=self._found.tag)
        self._rest_at = self._at

    def _drop(self) -> None:
        # A generator that was not read to its end has a file or a connection open.
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()
        self._chunks, self._rest = iter(()), memoryview(b"")

"""Answers that give files, at a bounded cost per process however slowly they are read."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import anyio
from starlette.concurrency import iterate_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse

from app.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from http import HTTPStatus

    from starlette.types import Receive, Scope, Send

#: Fewer than strangers may ask at once, so that others can sign in meanwhile.
MAX_AT_ONCE = 24
#: Whoever reads more slowly is cut off, and may go on with another request.
SLOWEST_BYTES_PER_SECOND = 16 * 1024
GRACE = timedelta(seconds=60)
_open: set[object] = set()


class TooManyDownloads(Unavailable):
    """Raised when as many files are given as one process gives at once."""

    code = "too_many_downloads"

    def __init__(self) -> None:
        super().__init__(f"{MAX_AT_ONCE} files are being read here. Ask for this one in a few seconds.")


def refuse_when_full() -> None:
    """Raise `TooManyDownloads` when no further one fits."""
    if len(_open) >= MAX_AT_ONCE:
        raise TooManyDownloads


class Download(StreamingResponse):
    """So many bytes of a file."""

    def __init__(
        self,
        chunks: Iterator[bytes],
        *,
        length: int,
        status: HTTPStatus,
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        self._chunks, self._length = chunks, length
        known = {**headers, "Content-Length": str(length), "Content-Type": media_type}
        super().__init__(iterate_in_threadpool(_first(chunks, length)), status_code=status, headers=known)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them, for as long as they are read."""
        _open.add(self)
        most = GRACE.total_seconds() + self._length / SLOWEST_BYTES_PER_SECOND
        try:
            # A connection on which not all was sent is closed by whoever serves.
            with anyio.move_on_after(most), suppress(ClientDisconnect):
                await super().__call__(scope, receive, send)
        finally:
            _open.discard(self)


def _first(chunks: Iterator[bytes], length: int) -> Iterator[bytes]:
    left = length
    for chunk in chunks:
        yield chunk[:left]
        left -= len(chunk)
        if left <= 0:
            return

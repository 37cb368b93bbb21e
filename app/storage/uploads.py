"""Bodies of requests that go to the store as they arrive, whoever sends them and however slowly."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import anyio
from anyio import from_thread, to_thread

from app.errors import GroundworkError, Unavailable
from app.storage.files import checked_key, checked_sha256
from app.storage.stores import store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from fastapi import Request

    from app.storage.files import Stored

#: Each occupies a thread; all others of the API go on having theirs.
MAX_AT_ONCE = 16
#: What arrives in small pieces is handed over in larger ones.
PIECE = 256 * 1024
_places = anyio.CapacityLimiter(MAX_AT_ONCE)


class TooManyUploads(Unavailable):
    """Raised when as many files arrive as one process takes at once."""

    code = "too_many_uploads"

    def __init__(self) -> None:
        super().__init__(f"{MAX_AT_ONCE} files are being sent here. Send this one in a few seconds.")


class EncodedBody(GroundworkError):
    """Raised for a body that is compressed: nobody knows how large it becomes."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "encoded_body"

    def __init__(self, *, found: str) -> None:
        super().__init__(f"The body is encoded ({found[:64]!a}). Send the file as it is.")


async def upload(request: Request, *, key: str, limit: int, sha256: str | None = None) -> Stored:
    """Store the body of `request` under `key`, whole or not at all.

    Its route says `allow_upload` beside itself. What fails, or is not `sha256`, leaves nothing behind. Raises
    what `Store.put` does.
    """
    checked_key(key)
    expected = None if sha256 is None else checked_sha256(sha256)
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise EncodedBody(found=encoding)
    if _places.available_tokens < 1:
        raise TooManyUploads
    arriving = _pieces(request)

    def put() -> Stored:
        return store().put(key, _in_thread(arriving), limit=limit, sha256=expected)

    return await to_thread.run_sync(put, limiter=_places)


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    waiting = bytearray()
    async for chunk in request.stream():
        waiting += chunk
        if len(waiting) >= PIECE:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)


def _in_thread(pieces: AsyncIterator[bytes]) -> Iterator[bytes]:
    """The pieces, for a thread to which the event loop gives one at a time."""

    async def following() -> bytes | None:
        return await anext(pieces, None)

    while (piece := from_thread.run(following)) is not None:
        yield piece

"""One blob on its way to a registry: by chunks, from where a cut left it, its digest looked at meanwhile."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from app.domains.marketplace.images import blobs
from app.domains.marketplace.images.archive_errors import WrongDigest
from app.domains.marketplace.images.errors import NeverFinished, RegistryRefused, RegistryUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domains.marketplace.images.facts import Blob
    from app.domains.marketplace.images.requests import Requests
    from app.outbound.bounded_http import Reply

#: ECR takes no part but the last that is below 5 MiB.
CHUNK_BYTES = 8 * 1024 * 1024
#: What a registry asks for beyond this is not held in memory.
MAX_CHUNK_BYTES = 64 * 1024 * 1024
#: An upload that the registry lost, or whose place nobody knows, is begun anew so often.
MAX_BEGINNINGS = 3
#: So often it may say that a chunk does not begin where it is.
MAX_OUT_OF_PLACE = 3
#: ECR answers 201 to a chunk.
_TAKEN = (HTTPStatus.ACCEPTED, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT)
#: Codes for an upload of which the registry has not what was sent, though that was right.
_MIXED_UP = frozenset({"BLOB_UPLOAD_INVALID", "DIGEST_INVALID"})
_RANGE = re.compile(r"(?:bytes=)?0-([0-9]{1,18})", re.ASCII)


class _Lost(Exception):
    """The registry no longer has the upload, or does not take what comes next."""


@dataclass(kw_only=True)
class Upload:
    """A blob and how far it came; `advanced` is told how many of its bytes the registry has."""

    requests: Requests
    repository: str
    blob: Blob
    advanced: Callable[[int], None]
    chunk_bytes: int
    _location: str = ""
    _at: int = 0
    #: Up to where the blob is in the hash, however often parts of it are read again.
    _hashed: int = 0
    _hash: Any = field(default_factory=hashlib.sha256)

    def run(self, begun: Reply) -> None:
        """Send the blob; `begun` is the registry's answer to the request for an upload.

        Raises `RegistryUnavailable`, `RegistryRefused` and `WrongDigest`.
        """
        for _ in range(MAX_BEGINNINGS):
            self._begin(begun)
            with suppress(_Lost):
                self._send_all()
                return
            begun = blobs.begin(self.requests, self.repository)
        raise NeverFinished(registry=self.requests.name, digest=self.blob.digest, times=MAX_BEGINNINGS)

    def _begin(self, begun: Reply) -> None:
        self._location = self.requests.absolute(blobs.uploads_of(self.repository))
        self._location, self._at = self._located(begun), 0
        least = begun.headers.get("oci-chunk-min-length", "")
        if least.isascii() and least.isdigit():
            self.chunk_bytes = max(self.chunk_bytes, min(int(least[:18]), MAX_CHUNK_BYTES))

    def _send_all(self) -> None:
        failures = refused = 0
        while True:
            before = self._at
            try:
                if self._send_next():
                    return
                failures = 0
            except RegistryUnavailable as error:
                failures += 1
                self.requests.pause(failures, error)
                if self._is_stored():
                    return
                self._ask_where()
            except _OutOfPlace as error:
                # The one that is told may be old: ECR's stays where the first chunk ended.
                refused += 1
                if refused > MAX_OUT_OF_PLACE:
                    raise _Lost from None
                self._go_to(error.place)
            if self._at > before:
                failures = 0

    def _send_next(self) -> bool:
        """Send the next chunk; whether it was the last, which comes with the end of the upload."""
        with self._chunk() as chunk:
            return self._send(chunk)

    def _send(self, chunk: memoryview) -> bool:
        is_last = self._at + len(chunk) == self.blob.size
        if is_last:
            self._check_digest()
        reply = self._sent(chunk, is_last=is_last)
        if reply.status == HTTPStatus.NOT_FOUND:
            raise _Lost
        if reply.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            self._location = self._located(reply)
            raise _OutOfPlace(_place_in(reply))
        if reply.status not in _TAKEN:
            refusal = self.requests.refusal(reply, doing=f"take {self.blob.digest}")
            if refusal.reason in _MIXED_UP:
                raise _Lost
            raise refusal
        if is_last:
            blobs.check_digest(self.requests, reply, self.blob.digest)
        else:
            self._location = self._located(reply)
        self._at += len(chunk)
        self.advanced(self._at)
        return is_last

    def _sent(self, chunk: memoryview, *, is_last: bool) -> Reply:
        headers = {"Content-Type": "application/octet-stream"}
        if chunk:
            headers["Content-Range"] = f"{self._at}-{self._at + len(chunk) - 1}"
        location = self._location
        if is_last:
            location += f"{'&' if '?' in location else '?'}digest={self.blob.digest}"
        method = "PUT" if is_last else "PATCH"
        doing = f"take bytes {self._at} to {self._at + len(chunk)} of {self.blob.digest}"
        return self.requests.once(method, location, doing=doing, headers=headers, content=chunk)

    def _chunk(self) -> memoryview:
        """What comes next; it is released once it is sent, or all chunks of failed requests would add up."""
        chunk = memoryview(self.blob.read(self._at, min(self.chunk_bytes, self.blob.size - self._at)))
        if self._at <= self._hashed < self._at + len(chunk):
            self._hash.update(chunk[self._hashed - self._at :])
            self._hashed = self._at + len(chunk)
        return chunk

    def _check_digest(self) -> None:
        digest = f"sha256:{self._hash.hexdigest()}"
        if digest != self.blob.digest:
            self._drop()
            raise WrongDigest(name=self.blob.name, digest=digest)

    def _drop(self) -> None:
        """Let the registry forget what it has; by itself it does so after a while."""
        with suppress(RegistryUnavailable, RegistryRefused):
            self.requests.once("DELETE", self._location, doing="drop an upload")

    def _is_stored(self) -> bool:
        """Whether the answer alone was lost."""
        was_last = self._at + self.chunk_bytes >= self.blob.size
        if was_last and blobs.is_there(self.requests, self.repository, self.blob.digest):
            self.advanced(self.blob.size)
            return True
        return False

    def _ask_where(self) -> None:
        """Go on from where the registry is, which is never behind what it has acknowledged."""
        reply = self.requests.ask("GET", self._location, doing="say how far an upload is")
        if reply.status == HTTPStatus.NOT_FOUND:
            raise _Lost
        if not reply.is_success:
            raise self.requests.refusal(reply, doing="say how far an upload is")
        self._location = self._located(reply)
        self._go_to(max(self._at, _place_in(reply)))

    def _go_to(self, place: int) -> None:
        if place > self._hashed:
            raise _Lost  # It has more than was ever sent.
        self._at = place
        self.advanced(place)

    def _located(self, reply: Reply) -> str:
        """Where the upload goes on; what is not said is as before."""
        return self.requests.absolute(reply.headers.get("location", ""), base=self._location)


class _OutOfPlace(Exception):
    """The registry is at another place of the upload."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


def _place_in(reply: Reply) -> int:
    """How many bytes it has. Its range includes the last; 0-0 is nothing, or one byte that is sent again."""
    found = _RANGE.fullmatch(reply.headers.get("range", ""))
    last = int(found[1]) if found else 0
    return last + 1 if last else 0

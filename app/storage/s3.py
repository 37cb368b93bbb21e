"""Files in a bucket of S3, or of a server that speaks as it does.

A process that is killed in a large put leaves parts in the bucket that nobody can read: have a rule of the
bucket's life cycle abort uploads that are days old.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import structlog

from app.storage.errors import NoSuchFile
from app.storage.files import Found, Measured, checked_key, checked_sha256
from app.storage.s3_calls import S3Client, digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import timedelta

    from app.settings.storage_place import Bucket
    from app.storage.files import Stored

log = structlog.get_logger(__name__)

MIB = 1024 * 1024
CHUNK = 256 * 1024
PART = 6 * MIB
#: Source: Amazon S3 User Guide, "multipart upload limits".
MAX_PARTS = 10_000


class S3Store:
    """A bucket, and what stands before the keys of our files in it."""

    def __init__(self, *, bucket: Bucket, **access: str) -> None:
        self._bucket, self._access = bucket, access

    @cached_property
    def _s3(self) -> S3Client:
        return S3Client(bucket=self._bucket.name, **self._access)

    def put(self, key: str, chunks: Iterable[bytes], *, limit: int, sha256: str | None = None) -> Stored:
        """As `Store.put`."""
        checked_key(key)
        expected = None if sha256 is None else checked_sha256(sha256)
        measured = Measured(chunks, limit=limit)
        size = max(PART, -(-limit // MAX_PARTS))
        parts = _parts(measured, size=size)
        first = next(parts, b"")
        if len(first) == size:
            return self._put_large(key, measured, first, parts, expected=expected)
        stored = measured.stored(key, expected=expected)
        self._call("put_object", key, Body=first, ContentMD5=digest(first))
        return stored

    def _put_large(
        self,
        key: str,
        measured: Measured,
        first: bytes | bytearray,
        parts: Iterator[bytes | bytearray],
        *,
        expected: str | None,
    ) -> Stored:
        upload = _Upload(self._call, key)
        try:
            upload.add(first)
            # Each part that somebody still has a name for is in memory.
            del first
            for part in parts:
                upload.add(part)
            stored = measured.stored(key, expected=expected)
            upload.complete(size=stored.size)
        except BaseException:
            upload.abort()
            raise
        return stored

    def found(self, key: str) -> Found:
        """As `Store.found`."""
        known = self._call("head_object", checked_key(key))
        return Found(size=known["ContentLength"], tag=known["ETag"].strip('"'))

    def size(self, key: str) -> int:
        """As `Store.size`."""
        return self.found(key).size

    def chunks(self, key: str, *, start: int = 0, tag: str | None = None) -> Iterator[bytes]:
        """As `Store.chunks`."""
        known = self.found(key)
        if start >= known.size and (tag is None or tag == known.tag):
            return iter(())
        wanted = {"Range": f"bytes={start}-", "IfMatch": f'"{tag or known.tag}"'}
        return self._s3.body_of(self._call("get_object", key, **wanted)["Body"], size=CHUNK)

    def delete(self, key: str) -> None:
        """As `Store.delete`."""
        self._call("delete_object", checked_key(key))

    def url(self, key: str, *, disposition: str, media_type: str, expires: timedelta) -> str | None:
        """As `Store.url`. One signed with the keys of a role ends with them, which may be earlier."""
        return self._s3.presigned(
            key=self._bucket.key(checked_key(key)),
            seconds=int(expires.total_seconds()),
            ResponseContentDisposition=disposition,
            ResponseContentType=media_type,
            ResponseCacheControl="private, no-store",
        )

    def check(self) -> None:
        """As `Store.check`."""
        self._s3.call("head_bucket")
        self.put("groundwork-check", [b"x"], limit=1)
        self.delete("groundwork-check")

    def _call(self, operation: str, key: str, **arguments: Any) -> Any:
        return self._s3.call(operation, of=key, Key=self._bucket.key(key), **arguments)


class _Upload:
    """A file that is sent in parts. Nobody can read it before all are there."""

    def __init__(self, call: Callable[..., Any], key: str) -> None:
        self._call, self._key = call, key
        self._id = call("create_multipart_upload", key)["UploadId"]
        self._parts: list[dict[str, Any]] = []

    def add(self, part: bytes | bytearray) -> None:
        """Send the next part."""
        number = len(self._parts) + 1
        sent = self._of_upload("upload_part", PartNumber=number, Body=part, ContentMD5=digest(part))
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})

    def complete(self, *, size: int) -> None:
        """Make a file of the parts."""
        try:
            self._of_upload("complete_multipart_upload", MultipartUpload={"Parts": self._parts})
        except NoSuchFile:
            # The answer to the first call was lost, and the second met no upload any more.
            if self._call("head_object", self._key)["ContentLength"] != size:
                raise

    def abort(self) -> None:
        """Forget the parts, if that can be."""
        try:
            self._of_upload("abort_multipart_upload")
        except Exception as error:
            log.warning("upload_not_aborted", key=self._key, error=str(error))

    def _of_upload(self, operation: str, **arguments: Any) -> Any:
        return self._call(operation, self._key, UploadId=self._id, **arguments)


def _parts(chunks: Iterable[bytes], *, size: int) -> Iterator[bytes | bytearray]:
    """The same bytes in parts of `size`, of which only the last may be shorter."""
    waiting = bytearray()
    for chunk in chunks:
        waiting += chunk
        while len(waiting) > size:
            # Bound anew before it is given, so that no second part is in memory while it is sent.
            part, waiting = waiting[:size], waiting[size:]
            yield part
            del part
    if waiting:
        yield waiting

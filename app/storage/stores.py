"""The port to where files are kept, and the store that the settings name."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from app.settings.config import settings
from app.settings.storage_place import Bucket
from app.storage.local import LocalStore
from app.storage.s3 import S3Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import timedelta

    from app.settings.config import Settings
    from app.storage.files import Found, Stored


class Store(Protocol):
    """Where files are kept. All that it does raises `StoreRefuses` or `StoreAway` where it cannot."""

    def put(self, key: str, chunks: Iterable[bytes], *, limit: int, sha256: str | None = None) -> Stored:
        """Store a file, whole or not at all; one that has the key is replaced.

        Raises `UnusableKey`, `KeyTaken`, `FileTooLarge`, `StoreFull`, and `WrongDigest` where `sha256` is
        another one.
        """
        ...

    def found(self, key: str) -> Found:
        """What is known of a file. Raises `NoSuchFile`."""
        ...

    def size(self, key: str) -> int:
        """How many bytes a file has. Raises `NoSuchFile`."""
        ...

    def chunks(self, key: str, *, start: int = 0, tag: str | None = None) -> Iterator[bytes]:
        """The bytes of a file from `start` on.

        Raises `NoSuchFile` at once, and `FileChanged` where the file has another tag than `tag`.
        """
        ...

    def delete(self, key: str) -> None:
        """Delete a file, if it is there."""
        ...

    def url(self, key: str, *, disposition: str, media_type: str, expires: timedelta) -> str | None:
        """A URL of the store's own that gives the file to whoever has it; None where it has none."""
        ...

    def check(self) -> None:
        """Raise what a file stored now would meet."""
        ...


def store() -> Store:
    """The store that the settings name."""
    place = settings().storage_place
    return _s3_store_of(settings(), place) if isinstance(place, Bucket) else LocalStore(place)


@lru_cache(maxsize=1)
def _s3_store_of(given: Settings, bucket: Bucket) -> S3Store:
    """Made once for the same settings: it keeps its connections."""
    return S3Store(
        bucket=bucket,
        region=given.storage_region or given.aws_region,
        endpoint_url=given.storage_endpoint_url or given.aws_endpoint_url,
        access_key_id=given.aws_access_key_id,
        secret_access_key=given.aws_secret_access_key.get_secret_value(),
    )

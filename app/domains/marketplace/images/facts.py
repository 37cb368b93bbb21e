"""What an image is made of, and what came of pushing it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, kw_only=True)
class Blob:
    """A configuration or a layer: bytes that are known by their digest."""

    digest: str
    size: int
    media_type: str
    #: Where they are, as errors name it.
    name: str
    #: So many bytes (count) from a place (start) on; never fewer.
    read: Callable[[int, int], bytes] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image for one platform."""

    #: As it goes to the registry, to the byte.
    manifest: bytes = field(repr=False)
    media_type: str
    config: Blob
    layers: tuple[Blob, ...]

    @property
    def digest(self) -> str:
        """What the image is known by."""
        return digest_of(self.manifest)

    @property
    def blobs(self) -> tuple[Blob, ...]:
        """What must be there before the manifest, each once."""
        return tuple({blob.digest: blob for blob in (*self.layers, self.config)}.values())

    @property
    def size(self) -> int:
        """Bytes of all blobs."""
        return sum(blob.size for blob in self.blobs)


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """What pushing an image came to, in bytes."""

    digest: str
    #: In requests, what was sent again included.
    sent: int = 0
    #: Found there, or mounted from another repository.
    present: int = 0
    mounted: int = 0


def digest_of(content: bytes) -> str:
    """The digest by which `content` is known."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"

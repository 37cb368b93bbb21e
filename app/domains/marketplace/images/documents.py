"""The JSON of an archive, read with bounds: indexes, manifests, and what they say of parts (descriptors)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.domains.marketplace.images.archive_errors import (
    DocumentTooLarge,
    MissingBlob,
    UnreadableDocument,
    WrongDigest,
    WrongSize,
)
from app.domains.marketplace.images.facts import Blob, digest_of
from app.errors import GroundworkError
from app.values import strict_json
from app.values.text import SHOWN, quoted

if TYPE_CHECKING:
    from app.domains.marketplace.images.files import Files

#: Far more than a manifest of 1,000 layers has; registries take up to four times as much.
MAX_DOCUMENT_BYTES = 1024 * 1024
MAX_MEDIA_TYPE = 255
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*")


@dataclass(frozen=True, kw_only=True)
class Descriptor:
    """What a document says of a part of the image."""

    digest: str
    size: int
    media_type: str
    platform: str
    #: The names of its annotations and what they say.
    annotations: dict[str, str]

    @property
    def name(self) -> str:
        """The file that has it, in an OCI layout."""
        return f"blobs/{self.digest.replace(':', '/')}"


def document(files: Files, name: str, *, limit: int = MAX_DOCUMENT_BYTES) -> bytes | None:
    """The file of that name as a whole; None where there is none. Raises for one that is too large."""
    size = files.size(name)
    if size is None:
        return None
    if size > limit:
        raise DocumentTooLarge(name=name, size=size, limit=limit)
    return files.part(name, 0, size)


def needed(files: Files, name: str) -> bytes:
    """As `document`, of a file that must be there."""
    content = document(files, name)
    if content is None:
        raise MissingBlob(name=name)
    return content


def parsed(content: bytes, name: str) -> Any:
    """The JSON in a document."""
    try:
        return strict_json.parsed(content)
    except strict_json.InvalidJson as error:
        raise UnreadableDocument(name=name, problem=f"it is not valid JSON, {error.problem}") from None
    except GroundworkError as error:
        raise UnreadableDocument(name=name, problem=str(error)) from None


def stored(files: Files, descriptor: Descriptor) -> bytes:
    """The document that a descriptor names, if its content is what the digest says."""
    content = needed(files, descriptor.name)
    if digest_of(content) != descriptor.digest:
        raise WrongDigest(name=descriptor.name, digest=digest_of(content))
    return content


def blob(files: Files, descriptor: Descriptor) -> Blob:
    """The part that a descriptor names, not read yet. Raises unless it is there in its size."""
    size = files.size(descriptor.name)
    if size is None:
        raise MissingBlob(name=descriptor.name)
    if size != descriptor.size:
        raise WrongSize(name=descriptor.name, size=size, expected=descriptor.size)
    return Blob(
        digest=descriptor.digest,
        size=size,
        media_type=descriptor.media_type,
        name=descriptor.name,
        read=lambda start, count: files.part(descriptor.name, start, count),
    )


def members(value: object, key: str, *, name: str) -> list[Any]:
    """The list under a key of an object."""
    found = mapping(value, name).get(key)
    if not isinstance(found, list):
        raise UnreadableDocument(name=name, problem=f'its "{key}" is no list')
    return found


def mapping(value: object, name: str) -> dict[str, Any]:
    """An object of a document."""
    if not isinstance(value, dict):
        raise UnreadableDocument(name=name, problem=f"{_shown(value)} is no object")
    return value


def descriptor(value: object, *, name: str) -> Descriptor:
    """What a document, of which errors say the name, says of a part."""
    given = mapping(value, name)
    digest, size, media_type = given.get("digest"), given.get("size"), given.get("mediaType")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise UnreadableDocument(name=name, problem=f"{_shown(digest)} is no digest of SHA-256")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise UnreadableDocument(name=name, problem=f"{_shown(size)} is no size of {digest}")
    if not is_media_type(media_type):
        raise UnreadableDocument(name=name, problem=f"{_shown(media_type)} is no media type of {digest}")
    return Descriptor(
        digest=digest,
        size=size,
        media_type=str(media_type),
        platform=platform_of(given.get("platform")),
        annotations=_texts(given.get("annotations")),
    )


def is_media_type(value: object) -> bool:
    """Whether it can be sent as one."""
    return isinstance(value, str) and len(value) <= MAX_MEDIA_TYPE and bool(_MEDIA_TYPE.fullmatch(value))


def platform_of(value: object) -> str:
    """A platform as `os/architecture` or `os/architecture/variant`; empty where none is said."""
    given = _texts(value)
    parts = [given.get("os", ""), given.get("architecture", ""), given.get("variant", "")]
    return "/".join(part for part in parts if part)


def _texts(value: object) -> dict[str, str]:
    given = value if isinstance(value, dict) else {}
    return {key: text for key, text in given.items() if isinstance(text, str)}


def _shown(value: object) -> str:
    return "nothing" if value is None else quoted(str(value)[: SHOWN + 1])

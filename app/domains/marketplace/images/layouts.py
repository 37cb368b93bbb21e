"""OCI image layouts: from the index over nested ones to the manifest for one platform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domains.marketplace.images import documents
from app.domains.marketplace.images.archive_errors import (
    NoSuchImage,
    NoSuchPlatform,
    TooManyOf,
    UnreadableDocument,
)
from app.domains.marketplace.images.facts import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.domains.marketplace.images.documents import Descriptor
    from app.domains.marketplace.images.files import Files

INDEX = "index.json"
MARKER = "oci-layout"
#: What other platforms there are is nothing to a registry that gives one image to all.
PLATFORM = "linux/amd64"
MAX_LAYERS = 1_000
MAX_MANIFESTS = 1_000
#: An index of indexes is usual, a third level is not.
MAX_LEVELS = 3
_INDEXES = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)
_MANIFESTS = frozenset(
    {
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    }
)
#: Where tools write an image's name: its tag alone, or all of it.
_NAMES = ("org.opencontainers.image.ref.name", "io.containerd.image.name")
#: BuildKit stores what it attests of an image as manifests beside it.
_ATTESTATION = "vnd.docker.reference.type"


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A manifest, and by which names the index has it."""

    descriptor: Descriptor
    names: frozenset[str]


def is_layout(files: Files) -> bool:
    """Whether the files are an OCI image layout."""
    return files.size(MARKER) is not None and files.size(INDEX) is not None


def image(files: Files, *, tag: str) -> Image:
    """The image of that tag; where there is one alone, that one, whatever it is called."""
    found = _for_platform(_of_tag(list(_manifests(files)), tag=tag))
    content = documents.stored(files, found)
    manifest = documents.mapping(documents.parsed(content, found.name), found.name)
    layers = documents.members(manifest, "layers", name=found.name)
    if len(layers) > MAX_LAYERS:
        raise TooManyOf(what="layers", limit=MAX_LAYERS)
    config = documents.descriptor(manifest.get("config"), name=found.name)
    return Image(
        manifest=content,
        media_type=_media_type(manifest.get("mediaType", found.media_type), found),
        config=documents.blob(files, config),
        layers=tuple(documents.blob(files, documents.descriptor(layer, name=found.name)) for layer in layers),
    )


def _media_type(told: object, found: Descriptor) -> str:
    if told not in _MANIFESTS:
        problem = f"it is no manifest of an image but {str(told)[:80]!a}"
        raise UnreadableDocument(name=found.name, problem=problem)
    return str(told)


def _manifests(files: Files) -> Iterator[_Found]:
    """All manifests of the layout, those of nested indexes included."""
    waiting = [(documents.needed(files, INDEX), INDEX, frozenset[str](), 1)]
    count = 0
    while waiting:
        content, name, inherited, level = waiting.pop()
        for row in documents.members(documents.parsed(content, name), "manifests", name=name):
            count += 1
            if count > MAX_MANIFESTS:
                raise TooManyOf(what="manifests", limit=MAX_MANIFESTS)
            one = documents.descriptor(row, name=name)
            names = inherited | {one.annotations[key] for key in _NAMES if key in one.annotations}
            if one.media_type not in _INDEXES:
                yield _Found(descriptor=one, names=names)
            elif level < MAX_LEVELS:
                waiting.append((documents.stored(files, one), one.name, names, level + 1))
            else:
                raise TooManyOf(what="levels of indexes", limit=MAX_LEVELS)


def _of_tag(found: list[_Found], *, tag: str) -> list[Descriptor]:
    images = [one for one in found if _ATTESTATION not in one.descriptor.annotations]
    matching = [one for one in images if tag and any(is_named(name, tag) for name in one.names)]
    if not matching and len({one.names for one in images}) == 1:
        matching = images
    if not matching:
        raise NoSuchImage(tag=tag, there=(name for one in images for name in one.names))
    return [one.descriptor for one in matching]


def is_named(name: str, tag: str) -> bool:
    """Whether a name, which may be `tag`, `repository:tag` or more, ends in that tag."""
    return name == tag or name.endswith(f":{tag}")


def _for_platform(there: list[Descriptor]) -> Descriptor:
    """One alone whatever it is for, else the one for the platform; the one without a variant first."""
    different = {one.digest: one for one in there}
    if len(different) == 1:
        return there[0]
    suited = [one for one in different.values() if f"{one.platform}/".startswith(f"{PLATFORM}/")]
    if not suited:
        raise NoSuchPlatform(wanted=PLATFORM, there=(one.platform or one.digest for one in there))
    return min(suited, key=lambda one: len(one.platform))

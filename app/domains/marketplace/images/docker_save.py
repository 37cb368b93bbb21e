"""What `docker save` wrote before it wrote OCI layouts: layers by path, without a registry's manifest."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from app.domains.marketplace.images import documents
from app.domains.marketplace.images.archive_errors import (
    MissingBlob,
    NoSuchImage,
    TooManyOf,
    UnreadableDocument,
    WrongDigest,
)
from app.domains.marketplace.images.facts import Blob, Image, digest_of
from app.domains.marketplace.images.layouts import MAX_LAYERS, is_named

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domains.marketplace.images.files import Files

MANIFEST = "manifest.json"
#: The media types of an OCI image, whose configuration is Docker's own.
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
#: How layers are compressed, by their first bytes.
_SUFFIXES = {b"\x1f\x8b": "+gzip", b"\x28\xb5\x2f\xfd": "+zstd"}
PART_BYTES = 1024 * 1024


def is_saved(files: Files) -> bool:
    """Whether the files are what `docker save` wrote."""
    return files.size(MANIFEST) is not None


def image(files: Files, *, tag: str, proceed: Callable[[], None]) -> Image:
    """The image of that tag, with a manifest made for it; layers are read, for nothing says their digests.

    `proceed` is called between parts, and may raise.
    """
    entry = _of_tag(documents.parsed(documents.needed(files, MANIFEST), MANIFEST), tag=tag)
    config = _config(files, _path(entry.get("Config")))
    paths = [_path(one) for one in documents.members(entry, "Layers", name=MANIFEST)]
    if len(paths) > MAX_LAYERS:
        raise TooManyOf(what="layers", limit=MAX_LAYERS)
    diff_ids = _diff_ids(config, count=len(paths))
    read: dict[str, Blob] = {}
    layers = []
    for path, diff_id in zip(paths, diff_ids, strict=True):
        if path not in read:
            read[path] = _layer(files, path, proceed=proceed)
        layers.append(_checked(read[path], diff_id))
    return Image(
        manifest=_manifest(config, layers), media_type=MANIFEST_TYPE, config=config, layers=tuple(layers)
    )


def _of_tag(listed: Any, *, tag: str) -> dict[str, Any]:
    entries = [documents.mapping(one, MANIFEST) for one in listed] if isinstance(listed, list) else []
    matching = [entry for entry in entries if tag and any(is_named(name, tag) for name in _names(entry))]
    if len(entries) == 1 or len(matching) == 1:
        return (matching or entries)[0]
    raise NoSuchImage(tag=tag, there=(name for entry in entries for name in _names(entry)))


def _names(entry: dict[str, Any]) -> list[str]:
    told = entry.get("RepoTags")
    return [name for name in told if isinstance(name, str)] if isinstance(told, list) else []


def _path(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise UnreadableDocument(name=MANIFEST, problem="it has a path that is no text")
    return value


def _config(files: Files, path: str) -> Blob:
    content = documents.needed(files, path)
    return Blob(
        digest=digest_of(content),
        size=len(content),
        media_type=CONFIG_TYPE,
        name=path,
        read=lambda start, count: content[start : start + count],
    )


def _diff_ids(config: Blob, *, count: int) -> list[Any]:
    """What the configuration says of each layer: the digest of its content that is not compressed."""
    told = documents.mapping(documents.parsed(config.read(0, config.size), config.name), config.name)
    found = documents.members(told.get("rootfs"), "diff_ids", name=config.name)
    if len(found) != count:
        problem = f"it tells of {len(found)} layers, and {MANIFEST} of {count}"
        raise UnreadableDocument(name=config.name, problem=problem)
    return found


def _layer(files: Files, path: str, *, proceed: Callable[[], None]) -> Blob:
    size = files.size(path)
    if size is None:
        raise MissingBlob(name=path)
    digest = hashlib.sha256()
    for start in range(0, size, PART_BYTES):
        proceed()
        digest.update(files.part(path, start, PART_BYTES))
    beginning = files.part(path, 0, 4)
    suffix = next((suffix for magic, suffix in _SUFFIXES.items() if beginning.startswith(magic)), "")
    return Blob(
        digest=f"sha256:{digest.hexdigest()}",
        size=size,
        media_type=LAYER_TYPE + suffix,
        name=path,
        read=lambda start, count: files.part(path, start, count),
    )


def _checked(layer: Blob, diff_id: object) -> Blob:
    """The layer, if it is the one that the configuration means; nothing is unpacked for that."""
    if layer.media_type == LAYER_TYPE and layer.digest != diff_id:
        raise WrongDigest(name=layer.name, digest=layer.digest)
    return layer


def _manifest(config: Blob, layers: list[Blob]) -> bytes:
    told = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": _descriptor(config),
        "layers": [_descriptor(layer) for layer in layers],
    }
    # The same image has the same digest, whenever and wherever its manifest is made.
    return json.dumps(told, separators=(",", ":")).encode()


def _descriptor(blob: Blob) -> dict[str, Any]:
    return {"mediaType": blob.media_type, "digest": blob.digest, "size": blob.size}

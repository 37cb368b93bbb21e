"""Writes one image as an OCI image layout in a folder, so that no scanner takes another one."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.domains.marketplace.images.archive_errors import WrongDigest
from app.domains.marketplace.images.layouts import INDEX, MARKER
from app.domains.marketplace.images.uploads import CHUNK_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.domains.marketplace.images.facts import Blob, Image

_INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


@contextmanager
def scratch(root: Path, *, name: str) -> Iterator[Path]:
    """An empty folder of that name in `root`. What others left there is deleted: scans run one by one."""
    shutil.rmtree(root, ignore_errors=True)
    folder = root / name
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write(image: Image, folder: Path, *, progress: Callable[[int, int], None]) -> None:
    """Write an image into an empty folder; `progress` is told the bytes that are written, and those of all.

    Raises `WrongDigest`.
    """
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    before = 0
    for blob in image.blobs:
        for written in _written(blob, _path(blobs, blob.digest)):
            progress(before + written, image.size)
        before += blob.size
    _path(blobs, image.digest).write_bytes(image.manifest)
    described = {"mediaType": image.media_type, "digest": image.digest, "size": len(image.manifest)}
    index = {"schemaVersion": 2, "mediaType": _INDEX_TYPE, "manifests": [described]}
    (folder / INDEX).write_text(json.dumps(index))
    (folder / MARKER).write_text('{"imageLayoutVersion": "1.0.0"}')


def _written(blob: Blob, path: Path) -> Iterator[int]:
    """Write a blob chunk by chunk; after each, how many bytes of it are written."""
    found, at = hashlib.sha256(), 0
    with path.open("wb") as file:
        while at < blob.size:
            chunk = blob.read(at, min(CHUNK_BYTES, blob.size - at))
            found.update(chunk)
            file.write(chunk)
            at += len(chunk)
            yield at
    digest = f"sha256:{found.hexdigest()}"
    if digest != blob.digest:
        raise WrongDigest(name=blob.name, digest=digest)


def _path(blobs: Path, digest: str) -> Path:
    return blobs / digest.removeprefix("sha256:")

"""Archives of images, as tools write them, and with what no tool writes."""

from __future__ import annotations

import hashlib
import io
import json
import random
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
NAME = "org.opencontainers.image.ref.name"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def path_of(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def noise(size: int, seed: int = 1) -> bytes:
    """The same bytes each time, which nothing makes smaller."""
    return random.Random(seed).randbytes(size)


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def described(content: bytes, media_type: str, **more: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content), **more}


@dataclass
class Layout:
    """An OCI image layout that is put together file by file."""

    files: dict[str, bytes] = field(
        default_factory=lambda: {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}
    )
    manifests: list[dict[str, Any]] = field(default_factory=list)

    def add(self, content: bytes) -> bytes:
        self.files[path_of(digest_of(content))] = content
        return content

    def image(
        self, *layers: bytes, tag: str = "", platform: str = "", listed: bool = True, **changes: Any
    ) -> bytes:
        """Add an image; gives its manifest."""
        config = self.add(
            as_json({"architecture": "amd64", "os": "linux", "layers": len(layers), "for": platform})
        )
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": described(config, CONFIG_TYPE),
            "layers": [described(self.add(layer), LAYER_TYPE) for layer in layers],
            **changes,
        }
        content = self.add(as_json(manifest))
        if listed:
            self.manifests.append(self.entry(content, tag=tag, platform=platform))
        return content

    def entry(
        self, manifest: bytes, *, tag: str = "", platform: str = "", kind: str = MANIFEST_TYPE
    ) -> dict[str, Any]:
        os, _, rest = platform.partition("/")
        architecture, _, variant = rest.partition("/")
        told = {"os": os, "architecture": architecture} | ({"variant": variant} if variant else {})
        return described(
            manifest,
            kind,
            **({"annotations": {NAME: tag}} if tag else {}),
            **({"platform": told} if platform else {}),
        )

    def all_files(self) -> dict[str, bytes]:
        index = as_json({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": self.manifests})
        return {"index.json": index, **self.files}

    def tar(self) -> io.BytesIO:
        return tar_of(self.all_files())

    def folder(self, root: Path) -> Path:
        for name, content in self.all_files().items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        return root


def member(name: str, content: bytes = b"", **changes: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in changes.items():
        setattr(info, key, value)
    return info, content


def tar_of(
    files: dict[str, bytes], *more: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT
) -> io.BytesIO:
    """A tar file."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
        for info, content in (*(member(name, content) for name, content in files.items()), *more):
            archive.addfile(info, io.BytesIO(content))
    stream.seek(0)
    return stream


def saved(*layers: bytes, tags: tuple[str, ...] = ("shop/app:1.0",), **changes: Any) -> dict[str, bytes]:
    """The files of an old `docker save`."""
    config = as_json(
        {
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": list(map(digest_of, layers))},
        }
        | changes
    )
    name = f"{digest_of(config).removeprefix('sha256:')}.json"
    paths = [f"{number:064x}/layer.tar" for number, _ in enumerate(layers)]
    manifest = as_json([{"Config": name, "RepoTags": list(tags), "Layers": paths}])
    return {"manifest.json": manifest, name: config, **dict(zip(paths, layers, strict=True))}

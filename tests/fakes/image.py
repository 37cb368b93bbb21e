"""Writes a small image as `docker save` does: python -m tests.fakes.image FILE"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path


def write(file: Path, *, name: str = "demo:1.0.0") -> None:
    """An image of one layer with one file."""
    layer = _tar({"hello": b"Hello.\n"})
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["/hello"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    parts = {"manifest.json": _json(manifest), "config.json": _json(config), "layer.tar": layer}
    file.write_bytes(_tar(parts))


def _tar(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return written.getvalue()


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


if __name__ == "__main__":
    write(Path(sys.argv[1]))

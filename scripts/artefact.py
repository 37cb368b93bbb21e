"""Packs a release: the same content makes the same file, byte for byte."""

from __future__ import annotations

import gzip
import json
import tarfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

#: First in the archive, so that it can be read without unpacking the rest.
DESCRIPTION = "release.json"


def pack(folder: Path, *, to: Path, changed_at: int) -> None:
    """Make the archive `to` of `folder`; it is there as a whole or not at all."""
    unfinished = to.with_name(f".{to.name}.unfinished")
    members = sorted(folder.rglob("*"), key=lambda path: (path.name != DESCRIPTION, path))
    try:
        # Wheels are compressed already: to do it again takes a third of a build's time, for 3 % of the size.
        with (
            unfinished.open("wb") as raw,
            gzip.GzipFile(filename="", mode="wb", compresslevel=0, fileobj=raw, mtime=changed_at) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for member in [folder, *members]:
                entry = archive.gettarinfo(member, arcname=str(member.relative_to(folder.parent)))
                _make_plain(entry, changed_at=changed_at)
                if member.is_dir():
                    archive.addfile(entry)
                else:
                    with member.open("rb") as content:
                        archive.addfile(entry, content)
        unfinished.rename(to)
    finally:
        unfinished.unlink(missing_ok=True)


def _make_plain(entry: tarfile.TarInfo, *, changed_at: int) -> None:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mtime = changed_at
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644


def description_of(artefact: Path) -> dict[str, Any] | None:
    """What the release says of itself; None when the file is no release."""
    try:
        with tarfile.open(artefact) as archive:
            for member in archive:
                content = archive.extractfile(member)
                if content is not None:
                    described = json.load(content)
                    return described if isinstance(described, dict) else None
    except (OSError, tarfile.TarError, EOFError, ValueError):
        pass
    return None

"""The manifest of a backup: what it holds, when and by which release it was made, and every checksum."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from .errors import BackupError

if TYPE_CHECKING:
    from pathlib import Path

NAME = "manifest.json"
FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """As it lies in the backup."""

    name: str
    host: str
    created_at: str
    #: None: no release ran.
    release: str | None
    parts: list[str]
    #: Path to size and SHA-256.
    files: dict[str, list[Any]] = field(default_factory=dict)
    format: int = FORMAT


class Damaged(BackupError):
    """Raised for a backup that is not what it was when it was made."""

    def __init__(self, *, folder: Path, problem: str) -> None:
        super().__init__(f"The backup {folder} is damaged: {problem}. Choose another: groundwork-backup list")


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of what lies in `folder`, and see that all of it is on the disk."""
    described = asdict(manifest) | {"files": _files(folder)}
    (folder / NAME).write_text(json.dumps(described, indent=1) + "\n")
    for path in (folder, *folder.rglob("*")):
        _sync(path)


def read(folder: Path) -> Manifest:
    """The manifest of the backup in `folder`."""
    try:
        found = json.loads((folder / NAME).read_text())
        if found.get("format") != FORMAT:
            raise Damaged(folder=folder, problem=f"its format is {found.get('format')}, not {FORMAT}")
        return Manifest(**found)
    except (OSError, ValueError, TypeError) as error:
        raise Damaged(folder=folder, problem=f"its manifest cannot be read ({error})") from None


def verify(folder: Path) -> Manifest:
    """The manifest, once every file is seen to be as it says."""
    manifest = read(folder)
    found = _files(folder)
    for path in sorted(manifest.files.keys() | found.keys()):
        if path not in found:
            raise Damaged(folder=folder, problem=f"{path} is missing")
        if path not in manifest.files:
            raise Damaged(folder=folder, problem=f"{path} does not belong to it")
        if manifest.files[path] != found[path]:
            raise Damaged(folder=folder, problem=f"{path} was changed")
    return manifest


def _files(folder: Path) -> dict[str, list[Any]]:
    return {
        str(path.relative_to(folder)): [path.stat().st_size, _sha256(path)]
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / NAME
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

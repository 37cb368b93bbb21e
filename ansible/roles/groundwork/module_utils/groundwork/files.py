"""The files of a deploy: compared, replaced by rename, and restored."""

from __future__ import annotations

import base64
import grp
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.groundwork.paths import ETC, UNITS, USER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FOLDER_MODE = 0o755
#: Folders that hold settings and secrets.
CLOSED_FOLDER_MODE = 0o750
FILE_MODE = 0o644
CLOSED_FILE_MODE = 0o640


@dataclass(frozen=True, kw_only=True)
class File:
    """What a file is to hold; who may read it follows from where it lies."""

    content: bytes

    def digest(self) -> str:
        """The content in short, so that two can be compared without keeping them."""
        return hashlib.sha256(self.content).hexdigest()


Files = dict[Path, File]


def existing(paths: Iterable[Path]) -> Files:
    """Those of `paths` that are there, as they are."""
    return {path: File(content=path.read_bytes()) for path in paths if path.is_file()}


def differing(wanted: Mapping[Path, File], *, known: Iterable[Path]) -> list[Path]:
    """The paths that have to change so that of `known` and `wanted` only `wanted` is there."""
    there = existing({*wanted, *known})
    return sorted(path for path in {*wanted, *there} if wanted.get(path) != there.get(path))


def write_files(wanted: Mapping[Path, File], *, paths: Iterable[Path]) -> None:
    """Make each of `paths` what `wanted` says of it, and remove it where `wanted` does not name it."""
    for path in paths:
        file = wanted.get(path)
        if file is None:
            path.unlink(missing_ok=True)
            remove_empty_folder(path.parent)
        else:
            write(path, file)


def write(path: Path, file: File) -> None:
    """Replace `path` at once, so that nobody reads half of it."""
    folder(path.parent)
    closed = _is_closed(path)
    beside = path.with_name(f".{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(file.content)
        os.fchmod(stream.fileno(), CLOSED_FILE_MODE if closed else FILE_MODE)
        os.fchown(stream.fileno(), 0, group_id() if closed else 0)
        stream.flush()
        os.fsync(stream.fileno())
    beside.rename(path)


def folder(path: Path) -> None:
    """Make sure that the folder is there, and closed if it holds settings."""
    if path.is_dir():
        return
    folder(path.parent)
    path.mkdir()
    if _is_closed(path):
        path.chmod(CLOSED_FOLDER_MODE)
        os.chown(path, 0, group_id())
    else:
        path.chmod(FOLDER_MODE)


def as_data(files: Mapping[Path, File]) -> dict[str, str]:
    """The files in a form that JSON can hold."""
    return {str(path): base64.b64encode(file.content).decode() for path, file in files.items()}


def from_data(data: Mapping[str, Any]) -> Files:
    """The reverse of `as_data`."""
    return {Path(path): File(content=base64.b64decode(text)) for path, text in data.items()}


def group_id() -> int:
    """The group of the services."""
    try:
        return grp.getgrnam(USER).gr_gid
    except KeyError:
        raise LookupError(f'There is no group "{USER}" on this host. The role "host" makes it.') from None


def remove_tree(path: Path) -> bool:
    """Remove a folder with all that is in it, or a link; whether there was one."""
    if path.is_symlink() or path.is_file():
        path.unlink()
        return True
    if not path.is_dir():
        return False
    shutil.rmtree(path)
    return True


def _is_closed(path: Path) -> bool:
    return not path.is_relative_to(UNITS) and (path.is_relative_to(ETC) or "groundwork-trial" in path.parts)


def remove_empty_folder(path: Path) -> None:
    """Remove a folder that exists for one unit's drop-ins, once there are none."""
    if (
        path.suffix == ".d"
        and path.is_relative_to(UNITS.parent)
        and path.is_dir()
        and not any(path.iterdir())
    ):
        path.rmdir()

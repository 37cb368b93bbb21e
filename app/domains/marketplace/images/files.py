"""The files of an image by their names, in a tar file or in a folder; nothing is unpacked."""

from __future__ import annotations

import os
import posixpath
import stat
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from app.domains.marketplace.images import tar_headers
from app.domains.marketplace.images.archive_errors import (
    CompressedArchive,
    MissingBlob,
    NotAnArchive,
    UnsafeMember,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_NAME = 1_024
#: Docker replaces a layer that comes twice by a link to it.
MAX_LINKS = 4
#: What compressed files begin with, and what unpacks them.
_COMPRESSED = {
    b"\x1f\x8b": ("gzip", "gunzip"),
    b"\x28\xb5\x2f\xfd": ("zstd", "zstd -d"),
    b"\xfd7zXZ": ("xz", "unxz"),
    b"BZh": ("bzip2", "bunzip2"),
    b"PK\x03\x04": ("zip", "unzip"),
}


class Files(Protocol):
    """Files by their names."""

    def size(self, name: str) -> int | None:
        """Bytes of a file; None where there is none of that name."""
        ...

    def part(self, name: str, start: int, count: int) -> bytes:
        """So many bytes of a file from a place on. Raises where there are fewer."""
        ...


class TarFiles:
    """The members of a tar file that are files, each where it is."""

    def __init__(self, stream: BinaryIO) -> None:
        _refuse_compressed(stream)
        self._headers = tar_headers.Headers(stream)
        self._files: dict[str, tar_headers.Header] = {}
        self._links: dict[str, str] = {}
        for header in self._headers:
            self._add(header)

    def size(self, name: str) -> int | None:
        found = self._find(name)
        return None if found is None else found.size

    def part(self, name: str, start: int, count: int) -> bytes:
        found = self._find(name)
        if found is None:
            raise MissingBlob(name=name)
        return self._headers.part(found.start + start, min(count, found.size - start))

    def _find(self, name: str) -> tar_headers.Header | None:
        for _ in range(MAX_LINKS):
            if name not in self._links:
                return self._files.get(name)
            name = self._links[name]
        raise UnsafeMember(name=name, problem="is a link to a link to a link")

    def _add(self, header: tar_headers.Header) -> None:
        name = _inside(header.name, header.name)
        if header.kind == tar_headers.FOLDER:
            return
        if name in self._files or name in self._links:
            raise UnsafeMember(name=name, problem="is in it twice")
        if header.kind == tar_headers.FILE:
            self._files[name] = header
        elif header.kind == tar_headers.HARD_LINK:
            self._links[name] = _inside(header.target, name)
        elif header.kind == tar_headers.SYMBOLIC_LINK:
            if header.target.startswith("/"):
                raise UnsafeMember(name=name, problem="is a link that leads out of it")
            self._links[name] = _inside(posixpath.join(posixpath.dirname(name), header.target), name)
        else:
            raise UnsafeMember(name=name, problem=f"is no file but of type {header.kind!a}")


def _inside(path: str, name: str) -> str:
    """`path` in its shortest form; `name` is the member that errors name."""
    if len(path) > MAX_NAME or not path.isprintable():
        raise UnsafeMember(name=name, problem="has a name that is too long or cannot be printed")
    shortest = posixpath.normpath(path)
    if shortest.startswith("/") or shortest.split("/", 1)[0] == "..":
        raise UnsafeMember(name=name, problem="leads out of it")
    return shortest


def _refuse_compressed(stream: BinaryIO) -> None:
    stream.seek(0)
    beginning = stream.read(8)
    for magic, (kind, command) in _COMPRESSED.items():
        if beginning.startswith(magic):
            raise CompressedArchive(kind=kind, command=command)
    if not beginning:
        raise NotAnArchive(problem="it is empty")


class FolderFiles:
    """The files of a folder; links that lead out of it are not followed."""

    def __init__(self, root: Path, kept_open: ExitStack) -> None:
        self._root = root.resolve()
        self._kept_open = kept_open
        self._last: tuple[str, BinaryIO] | None = None

    def size(self, name: str) -> int | None:
        found = self._stream(name)
        return None if found is None else os.fstat(found.fileno()).st_size

    def part(self, name: str, start: int, count: int) -> bytes:
        found = self._stream(name)
        if found is None:
            raise MissingBlob(name=name)
        return tar_headers.part_of(found, start, min(count, os.fstat(found.fileno()).st_size - start))

    def _stream(self, name: str) -> BinaryIO | None:
        """The file of that name; the one that was asked for last stays open."""
        if self._last and self._last[0] == name:
            return self._last[1]
        try:
            descriptor = self._opened(name)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
            problem = getattr(error, "strerror", None) or "its links go in a circle"
            raise UnsafeMember(name=name, problem=f"cannot be opened ({problem})") from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise UnsafeMember(name=name, problem="is no file")
        self._kept_open.close()
        stream = self._kept_open.enter_context(os.fdopen(descriptor, "rb"))
        self._last = (name, stream)
        return stream

    def _opened(self, name: str) -> int:
        path = (self._root / name).resolve()
        if not path.is_relative_to(self._root):
            raise UnsafeMember(name=name, problem="is a link that leads out of it")
        # A pipe would be waited for.
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)


@contextmanager
def opened(archive: Path | BinaryIO) -> Iterator[Files]:
    """The files of a folder, of a tar file, or of a stream of one that can be read from any place."""
    if not isinstance(archive, Path):
        yield TarFiles(archive)
        return
    with ExitStack() as kept_open:
        try:
            is_folder = stat.S_ISDIR(archive.stat().st_mode)
            files = FolderFiles(archive, kept_open) if is_folder else _tar_file(archive, kept_open)
        except OSError as error:
            raise NotAnArchive(problem=f"{archive.name} cannot be opened ({error.strerror})") from None
        yield files


def _tar_file(path: Path, kept_open: ExitStack) -> TarFiles:
    if not path.is_file():
        raise NotAnArchive(problem=f"{path.name} is no file and no folder")
    return TarFiles(kept_open.enter_context(path.open("rb")))

"""Files in a folder of this host, or of a disk that several hosts share."""

from __future__ import annotations

import os
import secrets
import stat
import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from app.storage.errors import FileChanged, NoSuchFile
from app.storage.files import Found, Measured, checked_key, checked_sha256
from app.storage.folders import folder, reading, writing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from app.storage.files import Stored

CHUNK = 256 * 1024
#: What is written goes to the disk now and then: to sync a large file at its end alone could take minutes.
SYNC_EVERY = 64 * 1024 * 1024
#: No key has a part that begins with a dot.
DRAFTS = ".drafts"
#: Nobody writes one file for so long without a byte: its process has died.
ABANDONED_AFTER = timedelta(days=1)
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class LocalStore:
    """A folder whose files are written beside, synced, and then renamed: each is whole at any moment."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def put(self, key: str, chunks: Iterable[bytes], *, limit: int, sha256: str | None = None) -> Stored:
        """As `Store.put`."""
        checked_key(key)
        expected = None if sha256 is None else checked_sha256(sha256)
        measured = Measured(chunks, limit=limit)
        draft = _Draft(self.root, key=key)
        try:
            for chunk in measured:
                draft.write(chunk)
            stored = measured.stored(key, expected=expected)
            draft.keep()
        finally:
            draft.discard()
        return stored

    def found(self, key: str) -> Found:
        """As `Store.found`."""
        file = self._open(key)
        try:
            return _found(file)
        finally:
            os.close(file)

    def size(self, key: str) -> int:
        """As `Store.size`."""
        return self.found(key).size

    def chunks(self, key: str, *, start: int = 0, tag: str | None = None) -> Iterator[bytes]:
        """As `Store.chunks`."""
        file = os.fdopen(self._open(key), "rb", buffering=0)
        if tag is not None and _found(file.fileno()).tag != tag:
            file.close()
            raise FileChanged(key=key)
        file.seek(start)

        def read() -> Iterator[bytes]:
            with file:
                while chunk := _next(file.fileno(), key=key):
                    yield chunk

        return read()

    def delete(self, key: str) -> None:
        """As `Store.delete`."""
        *parents, name = checked_key(key).split("/")
        with suppress(NoSuchFile), reading(key), folder(self.root, parents) as home:
            os.unlink(name, dir_fd=home)
            os.fsync(home)

    def url(self, key: str, *, disposition: str, media_type: str, expires: timedelta) -> str | None:  # noqa: ARG002
        """As `Store.url`: a folder hands nothing out by itself."""
        return None

    def check(self) -> None:
        """As `Store.check`."""
        draft = _Draft(self.root, key="check")
        try:
            draft.write(b"x")
        finally:
            draft.discard()

    def _open(self, key: str) -> int:
        *parents, name = checked_key(key).split("/")
        with reading(key), folder(self.root, parents) as home:
            file = os.open(name, _READ, dir_fd=home)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise NoSuchFile(key=key)
        return file


class _Draft:
    """A file that is being written, under a name that no key has."""

    def __init__(self, root: Path, *, key: str) -> None:
        self._root, self._key = root, key
        self._name = secrets.token_hex(16)
        self._unsynced = 0
        with writing(key), folder(root, [DRAFTS], make=True) as drafts:
            _delete_abandoned(drafts)
            self._file = os.fdopen(os.open(self._name, _CREATE, 0o600, dir_fd=drafts), "wb", buffering=0)

    def write(self, chunk: bytes) -> None:
        """Add to the file. What the chunks come from may raise errors of its own, which pass by here."""
        with writing(self._key):
            left = memoryview(chunk)
            while left:
                left = left[self._file.write(left) :]
            self._unsynced += len(chunk)
            if self._unsynced >= SYNC_EVERY:
                self._unsynced = 0
                os.fdatasync(self._file.fileno())

    def keep(self) -> None:
        """Give the file its key. From then on it is whole for everybody, after a power cut, too."""
        *parents, name = self._key.split("/")
        with writing(self._key):
            os.fsync(self._file.fileno())
            with folder(self._root, [DRAFTS]) as drafts, folder(self._root, parents, make=True) as home:
                os.rename(self._name, name, src_dir_fd=drafts, dst_dir_fd=home)
                os.fsync(home)

    def discard(self) -> None:
        """Delete the file unless it was kept."""
        self._file.close()
        with suppress(OSError), folder(self._root, [DRAFTS]) as drafts:
            os.unlink(self._name, dir_fd=drafts)


def _next(file: int, *, key: str) -> bytes:
    with reading(key):
        return os.read(file, CHUNK)


def _found(file: int) -> Found:
    known = os.fstat(file)
    # Each put makes a file of its own, which has another inode than the one that it replaces.
    return Found(size=known.st_size, tag=f"{known.st_mtime_ns:x}-{known.st_ino:x}-{known.st_size:x}")


def _delete_abandoned(drafts: int) -> None:
    """Delete what processes left that were killed while they wrote."""
    oldest = time.time() - ABANDONED_AFTER.total_seconds()
    for name in os.listdir(drafts):
        with suppress(FileNotFoundError):
            if os.stat(name, dir_fd=drafts, follow_symlinks=False).st_mtime < oldest:
                os.unlink(name, dir_fd=drafts)

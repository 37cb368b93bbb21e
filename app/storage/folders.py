"""Folders below the store's own, opened one by one so that no link leads out of it."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import structlog

from app.storage.errors import KeyTaken, NoSuchFile, StoreAway, StoreFull, StoreRefuses

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from app.errors import GroundworkError

log = structlog.get_logger(__name__)

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
#: A file where a folder should be, the other way round, or a link, which is not followed.
_OTHER_KIND = frozenset({errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO})


@contextmanager
def folder(root: Path, parts: Sequence[str], *, make: bool = False) -> Iterator[int]:
    """A descriptor of the folder that `parts` lead to, made with those above it if `make`."""
    # The operator's own folder may be a link to another disk.
    at = _root(root, make=make)
    try:
        for part in parts:
            below = _below(at, part, make=make)
            os.close(at)
            at = below
        yield at
    finally:
        os.close(at)


def _root(root: Path, *, make: bool) -> int:
    if make:
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise StoreRefuses(said=str(error.strerror)) from None
    return os.open(root, _FOLDER)


def _below(above: int, part: str, *, make: bool) -> int:
    if make:
        with suppress(FileExistsError):
            os.mkdir(part, 0o700, dir_fd=above)
            # Of what was made, the name survives a power cut, too.
            os.fsync(above)
    return os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=above)


@contextmanager
def reading(key: str) -> Iterator[None]:
    """Raise, for what the system says, that there is no such file or what is wrong with the store."""
    with _explained(key, NoSuchFile, when={*_OTHER_KIND, errno.ENOENT}):
        yield


@contextmanager
def writing(key: str) -> Iterator[None]:
    """Raise, for what the system says, that the key is taken or what is wrong with the store."""
    with _explained(key, KeyTaken, when={*_OTHER_KIND, errno.EEXIST, errno.ENOTEMPTY}):
        yield


@contextmanager
def _explained(key: str, wrong_key: type[NoSuchFile] | type[KeyTaken], *, when: set[int]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in when:
            raise wrong_key(key=key) from None
        log.warning("storage_failed", key=key, error=str(error))
        raise _of_store(error) from None


def _of_store(error: OSError) -> GroundworkError:
    if error.errno in _FULL:
        return StoreFull()
    said = error.strerror or type(error).__name__
    return StoreRefuses(said=said) if error.errno in _REFUSED else StoreAway(said=said)

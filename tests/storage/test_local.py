"""Files in a folder: private, never half written, and never those of others."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.errors import Conflict, GroundworkError
from app.storage.errors import KeyTaken, NoSuchFile, StoreAway, StoreFull, StoreRefuses
from app.storage.folders import reading, writing
from app.storage.local import ABANDONED_AFTER, DRAFTS, LocalStore
from app.storage.stores import store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MIB = 1024 * 1024
#: Writes until it is killed, and says once that the first bytes are on the disk.
WRITER = """
import sys
from pathlib import Path
from app.storage.local import LocalStore

def chunks():
    yield b"half"
    print("written", flush=True)
    sys.stdin.read()
    yield b" and half"

LocalStore(Path(sys.argv[1])).put("a/file", chunks(), limit=100)
"""


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def test_files_and_folders_are_closed_to_others(folder: Path) -> None:
    store().put("a/b/file", [b"x"], limit=1)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.rglob("*"))}
    assert modes == {"files": 0o700, "a": 0o700, "b": 0o700, DRAFTS: 0o700, "file": 0o600}


def test_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    store().put("a/file", [b"x"], limit=1)
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "elsewhere").symlink_to(tmp_path)
    for key in ("link", "elsewhere/secret"):
        with pytest.raises(NoSuchFile):
            store().chunks(key)
    with pytest.raises(KeyTaken):
        store().put("elsewhere/new", [b"x"], limit=1)
    store().delete("elsewhere/secret")
    store().put("link", [b"ours"], limit=4)

    assert (tmp_path / "secret").read_text() == "secret"
    assert not (folder / "link").is_symlink()
    assert not (tmp_path / "new").exists()


def test_the_folder_itself_may_be_a_link_to_another_disk(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    folder.symlink_to(tmp_path / "disk")
    store().put("file", [b"x"], limit=1)
    assert (tmp_path / "disk" / "file").read_bytes() == b"x"


def test_what_is_no_file_is_not_read(folder: Path) -> None:
    store().put("a/file", [b"x"], limit=1)
    os.mkfifo(folder / "pipe")
    for key in ("a", "pipe", "a/file/more"):
        with pytest.raises(NoSuchFile):
            store().found(key)


def test_a_file_and_a_folder_cannot_have_the_same_key(folder: Path) -> None:
    store().put("a/file", [b"x"], limit=1)
    for key in ("a", "a/file/more"):
        with pytest.raises(KeyTaken, match="Choose another key") as caught:
            store().put(key, [b"y"], limit=1)
        assert isinstance(caught.value, Conflict)
    assert everything(folder) == {"a/file"}


def test_a_writer_that_is_killed_leaves_nothing_that_can_be_read(folder: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert writer.stdout
    assert writer.stdout.readline() == b"written\n"
    writer.send_signal(signal.SIGKILL)
    writer.communicate()

    with pytest.raises(NoSuchFile):
        store().found("a/file")
    [left] = everything(folder)
    assert left.startswith(f"{DRAFTS}/")
    store().put("other", [b"x"], limit=1)
    assert left in everything(folder), "another process may still write it"
    old = time.time() - ABANDONED_AFTER.total_seconds() - 1
    os.utime(folder / left, (old, old))
    store().put("a/file", [b"x"], limit=1)
    assert everything(folder) == {"a/file", "other"}


def test_a_reader_goes_on_with_the_file_that_it_began(folder: Path) -> None:
    size = 3 * MIB
    store().put("file", [b"1" * size], limit=size)
    chunks = store().chunks("file")
    first = next(chunks)
    store().put("file", [b"2" * size], limit=size)
    store().delete("file")
    assert set(first + b"".join(chunks)) == set(b"1")


def test_a_disk_that_fills_up_is_said_and_leaves_nothing(folder: Path) -> None:
    """/dev/full says ENOSPC to each write, as a full disk does."""
    kept = LocalStore(folder)
    kept.put("before", [b"x"], limit=1)

    def chunks() -> Iterator[bytes]:
        [draft] = (folder / DRAFTS).iterdir()
        [number] = [int(one.name) for one in Path("/proc/self/fd").iterdir() if _leads_to(one, draft)]
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, number)
        os.close(full)
        yield b"x"

    with pytest.raises(StoreFull, match="no room left"):
        kept.put("file", chunks(), limit=1)
    assert everything(folder) == {"before"}


def _leads_to(link: Path, path: Path) -> bool:
    try:
        return link.readlink() == path
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.EDQUOT, StoreFull),
        (errno.EROFS, StoreRefuses),
        (errno.EACCES, StoreRefuses),
        (errno.EIO, StoreAway),
        (errno.ESTALE, StoreAway),
        (errno.EMFILE, StoreAway),
    ],
)
def test_what_the_system_says_is_one_sentence_without_a_path(
    number: int, error: type[GroundworkError]
) -> None:
    for doing in (reading, writing):
        with pytest.raises(error) as caught, doing("key"):
            raise OSError(number, os.strerror(number), "/secret/place")
        assert "/secret/place" not in str(caught.value)
        assert caught.value.status == 503


def test_a_file_in_the_place_of_the_folder_is_said(configure: Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file/below"):
        configure(storage=place)
        with pytest.raises(StoreRefuses, match="GROUNDWORK_STORAGE"):
            store().put("key", [b"x"], limit=1)
        with pytest.raises(NoSuchFile):
            store().found("key")


def test_200_mib_need_little_memory(folder: Path) -> None:
    block = bytes(MIB)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    try:
        stored = store().put("file", (block for _ in range(200)), limit=200 * MIB)
        assert sum(map(len, store().chunks("file"))) == stored.size == 200 * MIB
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    store().delete("file")
    assert most < 4 * MIB
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024

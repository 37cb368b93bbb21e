"""Who has ended is told by locks, and whatever proves nothing is taken for no proof."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from app.processes import lives
from app.processes.lives import Life, NoLocks, ended_in
from tests.command_line import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Lives under a name, with a child as the processes of a pool are, which outlives it.
LIVE = """
import os, sys, time
from pathlib import Path
from app.processes.lives import Life
life = Life(Path(sys.argv[1]), name=sys.argv[2])
os.fork()
print(flush=True)
time.sleep(600)
"""


@contextmanager
def alive(folder: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", LIVE, str(folder), name],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        start_new_session=True,
    )
    assert process.stdout
    try:
        for _ in range(2):
            process.stdout.readline()
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


@pytest.fixture
def own(tmp_path: Path) -> Life:
    return Life(tmp_path, name="own")


def ended(own: Life) -> list[str]:
    return [one.name for one in ended_in(own.path.parent, besides={own.path})]


def test_who_was_killed_has_ended_though_its_child_lives(own: Life, tmp_path: Path) -> None:
    with alive(tmp_path, "first") as first, alive(tmp_path, "second"):
        assert ended(own) == []
        first.kill()
        first.wait()
        assert ended(own) == ["first"]
        [found] = ended_in(tmp_path, besides={own.path})
        found.path.unlink()
        assert ended(own) == []


def test_to_look_takes_nobodys_lock_away(own: Life, tmp_path: Path) -> None:
    with alive(tmp_path, "first"):
        for _ in range(2):
            assert ended(own) == []


def test_who_ends_in_order_leaves_nothing(own: Life, tmp_path: Path) -> None:
    Life(tmp_path, name="another").end()
    assert list(tmp_path.iterdir()) == [own.path]


@pytest.mark.parametrize("name", ["büro@höst#1", "a/b@c", "x" * 5000, "\udce9", "a\nb", ""], ids=repr)
def test_any_name_can_be_found(own: Life, tmp_path: Path, name: str) -> None:
    # In this process, which holds its own locks, nothing keeps it from being found.
    Life(tmp_path, name=name)
    assert ended(own) == [name]


def test_of_another_kernel_nothing_is_known(own: Life, tmp_path: Path) -> None:
    for number, kernel in enumerate(["0" * 32, "", None, 5, ["x"]]):
        text = json.dumps({"name": "elsewhere", "kernel": kernel})
        (tmp_path / f"{number}.life").write_text(text)
    assert ended(own) == []


GARBAGE = [b"", b"{", b"[]", b"5", b"null", b"\0" * 100, b"\xff\xfe", b"[" * 100_000, b'{"name": "x"}']


def test_garbage_proves_nothing(own: Life, tmp_path: Path) -> None:
    for number, content in enumerate(GARBAGE):
        (tmp_path / f"{number}.life").write_bytes(content)
    assert ended(own) == []


def test_what_is_no_file_is_neither_followed_nor_waited_for(own: Life, tmp_path: Path) -> None:
    (tmp_path / "folder.life").mkdir()
    os.mkfifo(tmp_path / "pipe.life")
    told = json.dumps({"name": "linked", "kernel": lives.running_kernel()})
    (tmp_path / "told").write_text(told)
    (tmp_path / "link.life").symlink_to(tmp_path / "told")
    (tmp_path / "nowhere.life").symlink_to(tmp_path / "nothing")
    assert ended(own) == []


def test_what_nobody_asked_about_for_long_goes(own: Life, tmp_path: Path) -> None:
    old, empty = Life(tmp_path, name="old"), tmp_path / "empty.life"
    empty.touch()
    for path in (old.path, empty):
        before = time.time() - lives.KEPT.total_seconds() - 60
        os.utime(path, (before, before))
    ended(own)
    assert ended(own) == []
    assert list(tmp_path.iterdir()) == [own.path]


def test_a_name_that_somebody_has_is_refused(own: Life, tmp_path: Path) -> None:
    with alive(tmp_path, "first"):
        with pytest.raises(FileExistsError):
            Life(tmp_path, name="first")
        assert ended(own) == []


def test_a_folder_that_takes_no_file_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        Life(tmp_path / "file", name="own")


@pytest.mark.parametrize(("told", "is_known"), [("", False), ("no id", False), ("Ab" * 16, True)])
def test_where_the_kernel_is_hidden_the_unit_says_which_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: str, is_known: bool
) -> None:
    monkeypatch.setattr(lives, "BOOT_ID", tmp_path / "hidden")
    monkeypatch.setenv(lives.BOOT_ID_VARIABLE, told)
    if is_known:
        assert lives.running_kernel() == "ab" * 16
        return
    with pytest.raises(NoLocks, match="BOOT_ID"):
        Life(tmp_path, name="own")
    assert list(tmp_path.iterdir()) == []

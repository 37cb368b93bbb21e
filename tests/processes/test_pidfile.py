"""A stale pidfile never stops a start."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from app.processes.pidfile import (
    AlreadyRunning,
    UnusablePidfile,
    clear_pidfile,
    release_pidfile,
    write_pidfile,
)
from tests.command_line import ROOT
from tests.servers import stop

if TYPE_CHECKING:
    from pathlib import Path

SLEEP = "import time; print(flush=True); time.sleep(600)"


def dead_process() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


@pytest.mark.parametrize("content", ["", "\n", "no number", "12 34", "-1", "9" * 30, "\0\xff", "1\n"])
def test_what_names_no_process_of_ours_is_removed(tmp_path: Path, content: str) -> None:
    pidfile = tmp_path / "worker.pid"
    pidfile.write_text(content)
    clear_pidfile(pidfile)
    assert not pidfile.exists()


def test_the_number_of_a_dead_process_is_removed(tmp_path: Path) -> None:
    pidfile = tmp_path / "worker.pid"
    pidfile.write_text(f"{dead_process()}\n")
    clear_pidfile(pidfile)
    assert not pidfile.exists()


def test_a_living_process_of_the_same_user_that_is_another_program_is_no_reason_to_refuse(
    tmp_path: Path,
) -> None:
    pidfile = tmp_path / "worker.pid"
    pidfile.write_text(f"{os.getpid()}\n")
    clear_pidfile(pidfile)
    assert not pidfile.exists()


@pytest.mark.parametrize(
    "given",
    [("--pidfile={folder}/worker.pid",), ("--pidfile", "{folder}/worker.pid"), ("--pidfile", "worker.pid")],
)
def test_a_process_that_was_started_with_the_pidfile_is_left_alone_and_named(
    given: tuple[str, ...], tmp_path: Path
) -> None:
    pidfile = tmp_path / "worker.pid"
    command = [sys.executable, "-c", SLEEP, *(word.format(folder=tmp_path) for word in given)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=tmp_path)
    assert running.stdout
    running.stdout.readline()
    try:
        pidfile.write_text(f"{running.pid}\n")
        with pytest.raises(AlreadyRunning, match=str(running.pid)):
            clear_pidfile(pidfile)
        assert pidfile.exists()
    finally:
        stop(running)
        running.stdout.close()


def test_a_process_that_got_the_number_of_the_one_before_starts(tmp_path: Path) -> None:
    pidfile = tmp_path / "worker.pid"
    program = "import os, sys, pathlib; from app.processes.pidfile import clear_pidfile; "
    program += "path = pathlib.Path(sys.argv[1]); "
    program += "path.write_text(str(os.getpid())); clear_pidfile(path); print(path.exists())"
    done = subprocess.run([sys.executable, "-c", program, pidfile], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_a_process_that_is_known_to_own_the_pidfile_is_left_alone(tmp_path: Path) -> None:
    pidfile = tmp_path / "worker.pid"
    pidfile.write_text(f"{os.getpid()}\n")
    with pytest.raises(AlreadyRunning, match=str(os.getpid())):
        clear_pidfile(pidfile, owners=[os.getpid()])


def test_no_pidfile_is_fine(tmp_path: Path) -> None:
    clear_pidfile(tmp_path / "worker.pid")


def test_an_empty_folder_in_its_place_is_removed(tmp_path: Path) -> None:
    pidfile = tmp_path / "worker.pid"
    pidfile.mkdir()
    clear_pidfile(pidfile)
    assert not pidfile.exists()


def test_a_folder_with_something_in_it_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    with pytest.raises(UnusablePidfile, match="is a folder"):
        clear_pidfile(tmp_path)


def test_a_pidfile_is_released_by_the_process_it_names_only(tmp_path: Path) -> None:
    pidfile = tmp_path / "worker.pid"
    pidfile.write_text(f"{dead_process()}\n")
    release_pidfile(pidfile)
    assert pidfile.exists()
    write_pidfile(pidfile)
    assert pidfile.read_text() == f"{os.getpid()}\n"
    release_pidfile(pidfile)
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UnusablePidfile, match="does not exist"):
        clear_pidfile(tmp_path / "nowhere" / "worker.pid")

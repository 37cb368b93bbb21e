"""Pidfiles: one that nobody stands behind never stops a start."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Collection

PROC = Path("/proc")
OPTION = "--pidfile="


class AlreadyRunning(Conflict):
    """Raised when the process that a pidfile names is the very one about to be started."""

    code = "already_running"

    def __init__(self, *, pid: int, path: Path) -> None:
        super().__init__(
            f"It is already running, as process {pid} ({path}). Stop it first (kill {pid}), "
            "or give another --pidfile."
        )


class UnusablePidfile(InvalidInput):
    """Raised when no pidfile can be written at a path."""

    code = "unusable_pidfile"

    def __init__(self, *, path: Path, problem: str) -> None:
        super().__init__(f"The pidfile {path} {problem}. Give --pidfile a file in a folder you may write to.")


def clear_pidfile(path: Path, *, owners: Collection[int] = ()) -> None:
    """Remove `path` unless it names one of `owners`, or a process that was started with this very pidfile.

    A number alone proves nothing: after a crash or a reboot the system gives it to another process.
    Celery trusts any live process of the same user and would refuse to start.
    """
    if path.is_dir():
        _remove_folder(path)
    if not path.parent.is_dir():
        raise UnusablePidfile(path=path, problem="lies in a folder that does not exist")
    pid = named_pid(path)
    if pid is not None and (pid in owners or _was_started_with(pid=pid, path=path)):
        raise AlreadyRunning(pid=pid, path=path)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise UnusablePidfile(path=path, problem=f"cannot be replaced ({error.strerror})") from None


def write_pidfile(path: Path) -> None:
    """Have `path` name this process, at once and whole: whoever reads it sees the old one or this."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(f"{os.getpid()}\n")
    new.replace(path)


def release_pidfile(path: Path) -> None:
    """Remove `path`, unless another process has taken it over."""
    if names_this_process(path):
        with suppress(OSError):
            path.unlink()


def names_this_process(path: Path) -> bool:
    """Whether `path` holds the id of this process."""
    return named_pid(path) == os.getpid()


def pidfile_argument(path: Path) -> str:
    """The argument that makes Celery itself write the pidfile `path`."""
    return f"{OPTION}{path}"


def named_pid(path: Path) -> int | None:
    """The number in `path`, if it holds one and nothing else."""
    try:
        return int(path.read_text(errors="replace"))
    except (OSError, ValueError):
        return None


def _was_started_with(*, pid: int, path: Path) -> bool:
    try:
        words = (PROC / str(pid) / "cmdline").read_text(errors="replace").split("\0")
    except OSError:
        return False
    folder = _folder_of(pid)
    # After a crash in a container this very process may have got the number of the one before.
    return pid != os.getpid() and any(folder / word.removeprefix(OPTION) == path for word in words)


def _folder_of(pid: int) -> Path:
    try:
        return (PROC / str(pid) / "cwd").readlink()
    except OSError:
        # Not everybody may look; what was given as an absolute path is found all the same.
        return Path("/")


def _remove_folder(path: Path) -> None:
    try:
        path.rmdir()
    except OSError:
        # It may be a folder of somebody's own that was named by mistake.
        raise UnusablePidfile(path=path, problem="is a folder with something in it") from None

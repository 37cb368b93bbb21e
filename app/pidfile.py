"""Clears a pidfile that nobody stands behind, so that a stale one never stops a start."""

from __future__ import annotations

from pathlib import Path

from app.errors import Conflict, InvalidInput

PROC = Path("/proc")


class AlreadyRunning(Conflict):
    """Raised when the process that a pidfile names is the very one about to be started."""

    code = "already_running"

    def __init__(self, *, pid: int, path: Path) -> None:
        super().__init__(
            f"It runs already, as process {pid} ({path}). Stop it first (kill {pid}), "
            "or give another --pidfile."
        )


class UnusablePidfile(InvalidInput):
    """Raised when no pidfile can be written at a path."""

    code = "unusable_pidfile"

    def __init__(self, *, path: Path, problem: str) -> None:
        super().__init__(f"The pidfile {path} {problem}. Give --pidfile a file in a folder you may write to.")


def clear_pidfile(path: Path) -> None:
    """Remove `path` unless the process it names is alive and was started with this very pidfile.

    A number alone proves nothing: after a crash or a reboot the system gives it to another process.
    Celery trusts any live process of the same user and would refuse to start.
    """
    if path.is_dir():
        raise UnusablePidfile(path=path, problem="is a folder")
    if not path.parent.is_dir():
        raise UnusablePidfile(path=path, problem="lies in a folder that does not exist")
    pid = _named_pid(path)
    if pid is not None and _was_started_with(pid=pid, path=path):
        raise AlreadyRunning(pid=pid, path=path)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise UnusablePidfile(path=path, problem=f"cannot be replaced ({error.strerror})") from None


def pidfile_argument(path: Path) -> str:
    """The argument by which a process is known as the owner of the pidfile `path`."""
    return f"--pidfile={path}"


def _named_pid(path: Path) -> int | None:
    try:
        return int(path.read_text(errors="replace"))
    except (OSError, ValueError):
        return None


def _was_started_with(*, pid: int, path: Path) -> bool:
    try:
        command_line = (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return False
    return pidfile_argument(path).encode() in command_line.split(b"\0")

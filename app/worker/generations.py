"""Which workers live that share one pidfile: the one it names, and those that have handed over to it.

Each holds a lock on a file of its own beside the pidfile, for as long as its process lives. `/proc` does not
tell: a command that systemd starts in the sandbox of a unit does not see the processes of an earlier one.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import IO, TYPE_CHECKING

from app.processes.pidfile import named_pid

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class LiveWorker:
    """A worker that lives."""

    generation: int
    pid: int


class GenerationLock:
    """The life of this process as one generation of a worker."""

    def __init__(self, pidfile: Path, *, generation: int) -> None:
        self._path = _file(pidfile, generation)
        # Not to be opened a second time: closing it again would take the lock away.
        self._file: IO[str] = self._path.open("a+")
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def end(self) -> None:
        """Leave nothing behind; the lock goes with the process."""
        with suppress(OSError):
            self._path.unlink()


def live_workers(pidfile: Path, *, besides: int | None = None) -> list[LiveWorker]:
    """The workers of `pidfile` that live, without the generation `besides`, which is the caller's own."""
    found = []
    for path in sorted(pidfile.parent.glob(f"{pidfile.name}.*")):
        number = path.suffix.removeprefix(".")
        if not number.isdigit() or int(number) == besides:
            continue
        pid = named_pid(path)
        if pid is not None and _is_locked(path):
            found.append(LiveWorker(generation=int(number), pid=pid))
    return found


def free_generation(taken: Collection[LiveWorker]) -> int:
    """The lowest generation that is not alive."""
    numbers = {worker.generation for worker in taken}
    return next(number for number in count(1) if number not in numbers)


def _file(pidfile: Path, generation: int) -> Path:
    return pidfile.with_name(f"{pidfile.name}.{generation}")


def _is_locked(path: Path) -> bool:
    try:
        with path.open("r+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False

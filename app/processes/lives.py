"""Which processes live, as their locks tell: each holds one on a file of its own for as long as it does.

The kernel lets go of a lock however its process ends. Locks tell nothing of a process whose file is not in
the folder at hand, or was locked under another kernel. Neither does anything else: process ids come again,
two containers may have one host name, and of a host that went down there may be a second, alive.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

#: New with every start of the kernel, and the same in all containers on it.
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
#: The same, from a unit in whose sandbox that file is not to be seen.
BOOT_ID_VARIABLE = "BOOT_ID"
SUFFIX = ".life"
#: Far more than a name takes.
MAX_BYTES = 16 * 1024
#: What nobody asks about any more. Whoever would, starts within seconds.
KEPT = timedelta(hours=1)


class NoLocks(OSError):
    """Raised where locks would tell nothing."""

    def __init__(self) -> None:
        super().__init__(f"neither {BOOT_ID} nor the variable {BOOT_ID_VARIABLE} says which kernel runs")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A process that lives no more."""

    name: str
    path: Path


class Life:
    """The life of this process under a name that nobody has had before. Raises `OSError`."""

    def __init__(self, folder: Path, *, name: str) -> None:
        kernel = running_kernel()
        if kernel is None:
            raise NoLocks
        folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.blake2s(name.encode(errors="surrogatepass"), digest_size=16).hexdigest()
        self.path = folder.absolute() / f"{digest}{SUFFIX}"
        # Not to be opened a second time: closing it again would take the lock away. A forked child has no
        # part in the lock, and one that outlives this process does not keep it.
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX)
            # Only now is it said whose it is, so that nobody finds it without a lock.
            os.write(self._descriptor, json.dumps({"name": name, "kernel": kernel}).encode())
        except OSError:
            os.close(self._descriptor)
            self.end()
            raise

    def end(self) -> None:
        """Nobody needs to know when this process ends."""
        with suppress(OSError):
            self.path.unlink()


def ended_in(folder: Path, *, besides: Container[Path]) -> Iterator[Ended]:
    """Those whose files are in `folder` and who have ended for certain; `besides` has at least one's own."""
    kernel = running_kernel()
    for path in sorted(folder.absolute().glob(f"*{SUFFIX}")):
        if path in besides:
            continue
        told = _read_if_unlocked(path)
        if isinstance(told, dict) and kernel is not None and told.get("kernel") == kernel:
            yield Ended(name=str(told.get("name")), path=path)


def _read_if_unlocked(path: Path) -> object:
    """What is in the file, if nobody holds its lock."""
    try:
        # A file of another kind must neither be followed nor waited for.
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _forget_old(path, os.fstat(descriptor))
        return json.loads(os.read(descriptor, MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    finally:
        os.close(descriptor)


def _forget_old(path: Path, status: os.stat_result) -> None:
    if time.time() - status.st_mtime > KEPT.total_seconds():
        with suppress(OSError):
            path.unlink()


def running_kernel() -> str | None:
    """Which start of which kernel this is, if that can be known."""
    try:
        found = BOOT_ID.read_text()
    except OSError:
        found = os.environ.get(BOOT_ID_VARIABLE, "")
    plain = found.strip().replace("-", "").lower()
    return plain if re.fullmatch("[0-9a-f]{32}", plain) else None

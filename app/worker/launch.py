"""Starts a worker in the background and waits until it consumes, in place of another one if there is one."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

from app.errors import GroundworkError
from app.logs.failures import ExitCode
from app.processes.command_lines import DetachedWithoutLog, log_file, worker_process
from app.processes.pidfile import clear_pidfile, named_pid
from app.worker.generations import free_generation, live_workers
from app.worker.order import Order

if TYPE_CHECKING:
    from pathlib import Path

    from app.processes.command_lines import Process
    from app.topology import Pool

#: How long a worker may take to be set up, and then to consume. Both together are below `TimeoutStartSec` of
#: the unit, so that the reason is said before systemd loses patience.
READY_SECONDS = 120
POLL_SECONDS = 0.05


class WorkerNotReady(GroundworkError):
    """Raised when a worker does not come so far as to consume."""

    code = "worker_not_ready"

    def __init__(self, *, pool: str, problem: str, reason: str, log: Path) -> None:
        super().__init__(
            f'The worker of the pool "{pool}" {problem}: {reason or "it did not say why"} ({log})'
        )


def in_background(pool: Pool, *, concurrency: int | None, pidfile: Path, replace: bool) -> Process | None:
    """Start a worker; when this returns, it consumes and `pidfile` names it. Raises `WorkerNotReady`.

    It returns in the new process, too, with what that is to become. A worker that refuses its settings ends
    this process as it ended itself.

    With `replace` the other workers of `pidfile` are then told to end after their jobs. Should the new one
    fail, they go on as if nothing had been.
    """
    others = live_workers(pidfile)
    generation = free_generation(others) if replace else take_place(pidfile)
    log = log_file(f"worker-{pool.name}")
    if log is None:
        raise DetachedWithoutLog
    process = worker_process(
        pool, concurrency=concurrency, background=True, pidfile=pidfile, generation=generation
    )
    written = log.stat().st_size if log.exists() else 0
    child = _fork()
    if child is None:
        return process
    _await(child, pool=pool, pidfile=pidfile, log=log, written=written)
    for other in others if replace else []:
        with suppress(ProcessLookupError):
            os.kill(other.pid, Order.DRAIN.value)
    return None


def take_place(pidfile: Path) -> int:
    """Make room for a worker at `pidfile`, unless one is there; which generation it is to be."""
    others = live_workers(pidfile)
    clear_pidfile(pidfile, owners=[other.pid for other in others])
    return free_generation(others)


def _fork() -> _Child | None:
    """The new process, and in that process None. It is away from this one's terminal."""
    sys.stdout.flush()
    heard, said = os.pipe()
    pid = os.fork()
    if pid != 0:
        os.close(said)
        return _Child(pid, words=_Relay(os.fdopen(heard, "rb")))
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    if not _is_journal(1):
        os.dup2(nothing, 1)
    os.dup2(said, 2)
    for descriptor in (heard, said, nothing):
        os.close(descriptor)
    return None


def _await(child: _Child, *, pool: Pool, pidfile: Path, log: Path, written: int) -> None:
    child.words.start()
    problem = _wait(child, pidfile)
    if problem is None:
        return
    child.kill()
    child.words.join()
    if child.code == ExitCode.BAD_CONFIGURATION:
        # It has said why, in one sentence.
        raise SystemExit(child.code)
    raise WorkerNotReady(
        pool=pool.name, problem=problem, reason=_reason(log, written, said=child.words.last), log=log
    )


def _wait(child: _Child, pidfile: Path) -> str | None:
    """None once the child has announced itself, else what went wrong."""
    until = time.monotonic() + READY_SECONDS
    is_set_up = False
    while time.monotonic() < until:
        if named_pid(pidfile) == child.pid:
            return None
        if child.has_ended():
            return "ended before it was ready"
        if not is_set_up and not child.words.is_alive():
            # A host that is busy starting everything at once is slow, and starting again would not help it.
            is_set_up, until = True, time.monotonic() + READY_SECONDS
        time.sleep(POLL_SECONDS)
    return f"was not ready within {READY_SECONDS} s"


class _Child:
    """The worker, as long as this process looks after it."""

    def __init__(self, pid: int, *, words: _Relay) -> None:
        self.pid = pid
        self.words = words
        self.code: int | None = None

    def has_ended(self) -> bool:
        """Whether it is gone; then `code` is what it ended with."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code is not None

    def kill(self) -> None:
        """End it with its children, unless it has ended."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        if self.code is None:
            os.waitpid(self.pid, 0)


class _Relay(threading.Thread):
    """Passes on what the child says until it lets go, and remembers its last line."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self.last = ""

    def run(self) -> None:
        for line in self._stream:
            text = line.decode(errors="replace").rstrip()
            self.last = text or self.last
            sys.stderr.write(f"{text}\n")


def _reason(log: Path, written: int, *, said: str) -> str:
    """Why a worker did not get ready: it logs what goes wrong, once it has come so far as to log."""
    return _last_words(log, written) or said or "it did not say why"


def _last_words(log: Path, written: int) -> str:
    """The last thing that went wrong according to the log, of what came after its first `written` bytes."""
    try:
        with log.open("rb") as lines:
            lines.seek(written)
            found = [json.loads(line) for line in lines]
    except (OSError, ValueError):
        return ""
    wrong = [line for line in found if line.get("level") in ("error", "critical")]
    last: dict[str, Any] = wrong[-1] if wrong else {}
    told = [str(last.get("event", "")).strip(), *str(last.get("exception", "")).strip().splitlines()[-1:]]
    return " ".join(" ".join(told).split())


def _is_journal(descriptor: int) -> bool:
    """Whether systemd says that what is written there goes to the journal."""
    status = os.fstat(descriptor)
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"

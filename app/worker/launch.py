"""Starts a worker in the background and waits until it consumes, in place of another one if there is one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

from app.errors import GroundworkError
from app.failures import ExitCode
from app.pidfile import clear_pidfile, named_pid
from app.processes import DetachedWithoutLog, log_file, worker_process
from app.worker.generations import free_generation, living
from app.worker.order import Order

if TYPE_CHECKING:
    from pathlib import Path

    from app.processes import Process
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


def in_background(pool: Pool, *, concurrency: int | None, pidfile: Path, replace: bool) -> None:
    """Start a worker; when this returns, it consumes and `pidfile` names it. Raises `WorkerNotReady`.

    One that refuses its settings ends this process as it ended itself.

    With `replace` the other workers of `pidfile` are then told to end after their jobs. Should the new one
    fail, they go on as if nothing had been.
    """
    others = living(pidfile)
    generation = free_generation(others) if replace else take_place(pidfile)
    log = log_file(f"worker-{pool.name}")
    if log is None:
        raise DetachedWithoutLog
    process = worker_process(
        pool, concurrency=concurrency, background=True, pidfile=pidfile, generation=generation
    )
    _start(process, pool=pool, pidfile=pidfile, log=log)
    for other in others if replace else []:
        with suppress(ProcessLookupError):
            os.kill(other.pid, Order.STAND_DOWN.value)


def take_place(pidfile: Path) -> int:
    """Make room for a worker at `pidfile`, unless one is there; which generation it is to be."""
    others = living(pidfile)
    clear_pidfile(pidfile, owners=[other.pid for other in others])
    return free_generation(others)


def _start(process: Process, *, pool: Pool, pidfile: Path, log: Path) -> None:
    written = log.stat().st_size if log.exists() else 0
    child = subprocess.Popen(  # noqa: S603 (our own command)
        process.argv,
        env=os.environ | process.environment,
        stdin=subprocess.DEVNULL,
        stdout=None if _is_journal(1) else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stderr is not None  # noqa: S101 (narrows the type)
    words = _Relay(child.stderr)
    words.start()
    problem = _wait(child, pidfile, words)
    if problem is None:
        # It goes on without this process, which must not be told off for leaving it behind.
        child.returncode = 0
        return
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    words.join()
    if child.returncode == ExitCode.BAD_CONFIGURATION:
        # It has said why, in one sentence.
        raise SystemExit(child.returncode)
    raise WorkerNotReady(
        pool=pool.name, problem=problem, reason=_reason(log, written, said=words.last), log=log
    )


def _wait(child: subprocess.Popen[bytes], pidfile: Path, words: _Relay) -> str | None:
    """None once the child has announced itself, else what went wrong."""
    until = time.monotonic() + READY_SECONDS
    is_set_up = False
    while time.monotonic() < until:
        if named_pid(pidfile) == child.pid:
            return None
        if child.poll() is not None:
            return "ended before it was ready"
        if not is_set_up and not words.is_alive():
            # A host that is busy starting everything at once is slow, and starting again would not help it.
            is_set_up, until = True, time.monotonic() + READY_SECONDS
        time.sleep(POLL_SECONDS)
    return f"was not ready within {READY_SECONDS} s"


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

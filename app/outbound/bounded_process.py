"""A program that surely ends: bounded in time and output, and killed with all that it started."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import timedelta

#: It gets none of the service's settings, which hold secrets.
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
#: Of what it says beside its output, the end is kept.
MAX_SAID_BYTES = 4_096
_PART_BYTES = 64 * 1024


class NotStarted(Exception):
    """Raised when there is no such program, or it may not be run."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What became of a program."""

    #: Below zero: the signal that ended it. None: its time was up, or its output too long, and it was killed.
    code: int | None
    output: bytes
    #: The output is not all of it.
    is_cut: bool
    #: The end of what it wrote as errors.
    said: str


def run(
    argv: Sequence[str],
    *,
    deadline: timedelta,
    max_bytes: int,
    environment: Mapping[str, str] = ENVIRONMENT,
    proceed: Callable[[], None] = lambda: None,
    asked_every: float = 1.0,
) -> Ended:
    """Run a program without a shell and without input; `proceed` is called meanwhile, and may raise.

    Raises `NotStarted`.
    """
    with _started(argv, environment) as process:
        output = _Output(process, max_bytes=max_bytes)
        is_over = output.read(
            until=time.monotonic() + deadline.total_seconds(), proceed=proceed, asked_every=asked_every
        )
        return Ended(
            code=process.wait() if is_over else None,
            output=bytes(output.output),
            is_cut=output.is_cut,
            said=output.said.decode(errors="replace"),
        )


@contextmanager
def _started(argv: Sequence[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    try:
        process = subprocess.Popen(  # noqa: S603 (no shell; the operator's own setting)
            argv,
            cwd="/",
            env=dict(environment),
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except (OSError, ValueError) as error:
        raise NotStarted(
            f"{argv[0]} cannot be started: {getattr(error, 'strerror', None) or error}."
        ) from None
    try:
        yield process
    finally:
        # With whatever it started, and also when this process is told to stop.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdout, process.stderr):
            pipe.close()  # type: ignore[union-attr]


class _Output:
    """What a program writes, until it ends."""

    def __init__(self, process: subprocess.Popen[bytes], *, max_bytes: int) -> None:
        self._pid = process.pid
        self._out, self._err = process.stdout.fileno(), process.stderr.fileno()  # type: ignore[union-attr]
        self._max_bytes = max_bytes
        self.output, self.said, self.is_cut = bytearray(), b"", False

    def read(self, *, until: float, proceed: Callable[[], None], asked_every: float) -> bool:
        """Read until it has ended, the time is up or the output is too long; whether it has ended."""
        ended = os.pidfd_open(self._pid)
        watched = [self._out, self._err, ended]
        try:
            while not self.is_cut and (left := until - time.monotonic()) > 0:
                proceed()
                ready, _, _ = select.select(watched, [], [], min(left, asked_every))
                pipes = [pipe for pipe in ready if pipe != ended]
                for pipe in pipes:
                    if not self._take(pipe):
                        watched.remove(pipe)
                # What it has started may hold the pipes: nobody waits for these to close.
                if ready == [ended]:
                    return True
        finally:
            os.close(ended)
        return False

    def _take(self, pipe: int) -> bool:
        part = os.read(pipe, _PART_BYTES)
        if pipe == self._err:
            self.said = (self.said + part)[-MAX_SAID_BYTES:]
        else:
            self.is_cut = len(self.output) + len(part) > self._max_bytes
            self.output += part[: self._max_bytes - len(self.output)]
        return bool(part)

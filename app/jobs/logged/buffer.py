"""The lines of one attempt that are not stored yet, and what is stored of them, within bounds.

The first lines are kept, because they say what was to be done, and the last ones, because they say how it
ended. What is between them is left out; their numbers, which are missing then, tell how many.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Of the first and of the last lines of an attempt, so many, and so many bytes of JSON: what one wrong loop
#: logs costs no more than a large job's arguments.
KEPT_LINES, KEPT_BYTES = 500, 64 * 1024
#: A job that is tried without end keeps the lines of its last attempts.
KEPT_ATTEMPTS = 20
#: How old a line is at most before it is stored: what a process that is killed loses.
EVERY = timedelta(seconds=2)
#: Lines of attempts that end within so long are written together.
GATHERED = timedelta(milliseconds=50)


class Chunk(NamedTuple):
    """Lines that are written at once."""

    first: int
    lines: Sequence[str]
    is_of_the_last: bool


class Stored(NamedTuple):
    """Of the last lines, those of one chunk."""

    first: int
    lines: int
    bytes: int


class Writes(Protocol):
    """Who stores them."""

    def write_within(self, span: timedelta, buffer: Buffer) -> None:
        """Store what is in it no later than that."""


class Buffer:
    """Filled by the threads of a job, and emptied by the one that writes."""

    def __init__(self, *, job_id: str, fence: int, writer: Writes, hidden: Sequence[str] = ()) -> None:
        self.job_id, self.fence, self.hidden = job_id, fence, hidden
        #: A process that is forked off has a copy, which is not to be written as well.
        self.pid = os.getpid()
        self._writer = writer
        # The same thread may come again: in a signal handler that logs.
        self._lock = threading.RLock()
        self._is_due = False
        self._count = 0
        self._head: list[str] = []
        #: The number of the first line in it.
        self._head_at = 0
        self._lines_left, self._bytes_left = KEPT_LINES, KEPT_BYTES
        self._tail: deque[str] = deque()
        self._tail_bytes = 0
        self._stored: deque[Stored] = deque()

    def add(self, line: str) -> None:
        """Keep one more line of JSON."""
        with self._lock:
            self._keep(line)
            was_due, self._is_due = self._is_due, True
        if not was_due:
            self._writer.write_within(EVERY, self)

    def end(self) -> None:
        """The attempt has ended."""
        if self._is_due:
            self._writer.write_within(GATHERED, self)

    def unwritten(self) -> list[Chunk]:
        """What is to be written now."""
        with self._lock:
            chunks = [Chunk(self._head_at, tuple(self._head), False)] if self._head else []
            if self._tail:
                chunks.append(Chunk(self._tail_at, tuple(self._tail), True))
            return chunks

    def written(self, chunks: Sequence[Chunk]) -> bool:
        """These are stored; whether there are more by now."""
        with self._lock:
            for chunk in chunks:
                self._forget(chunk)
            self._is_due = bool(self._head or self._tail)
            return self._is_due

    def outlived(self) -> tuple[int, int] | None:
        """The numbers of the first and the last chunk that later ones have made superfluous."""
        gone: list[int] = []
        with self._lock:
            lines, size = sum(one.lines for one in self._stored), sum(one.bytes for one in self._stored)
            for oldest in [*self._stored]:
                lines, size = lines - oldest.lines, size - oldest.bytes
                if lines < KEPT_LINES and size < KEPT_BYTES:
                    break
                gone.append(self._stored.popleft().first)
        return (gone[0], gone[-1]) if gone else None

    @property
    def size(self) -> int:
        """The bytes that are not written yet."""
        return sum(map(len, self._head)) + self._tail_bytes

    @property
    def _tail_at(self) -> int:
        return self._count - len(self._tail)

    def _keep(self, line: str) -> None:
        self._count += 1
        if self._lines_left and len(line) <= self._bytes_left:
            self._lines_left -= 1
            self._bytes_left -= len(line)
            self._head.append(line)
            return
        # A shorter line must not come to stand before those that did not fit.
        self._lines_left = 0
        self._tail.append(line)
        self._tail_bytes += len(line)
        while len(self._tail) > KEPT_LINES or self._tail_bytes > KEPT_BYTES:
            self._drop()

    def _forget(self, chunk: Chunk) -> None:
        if not chunk.is_of_the_last:
            del self._head[: len(chunk.lines)]
            self._head_at += len(chunk.lines)
            return
        while self._tail and self._tail_at < chunk.first + len(chunk.lines):
            self._drop()
        self._stored.append(Stored(chunk.first, len(chunk.lines), sum(map(len, chunk.lines))))

    def _drop(self) -> None:
        self._tail_bytes -= len(self._tail.popleft())

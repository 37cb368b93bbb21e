"""How a worker's main process speaks with its children: a call of the kernel for each order, one for many answers.

Celery's pool asks the event loop when a child's pipe can be written to, and reads each answer in four steps.
Both cost more than what is written and read.
"""

from __future__ import annotations

import os
import pickle
import select
import struct
from collections import deque
from typing import TYPE_CHECKING, Any

from celery.concurrency import asynpool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KIB = 1024
#: What a pipe holds.
MOST_AT_ONCE = 64 * KIB
#: A pipe takes so much whole or not at all.
ATOMIC = select.PIPE_BUF
_LENGTH = struct.Struct(">I")


def framed(order: Any) -> tuple[bytes, bytes]:
    """An order as a child reads it: its length, and what it says."""
    body = pickle.dumps(order, protocol=pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(body)), body


def write_whole(fd: int, frame: bytes) -> bool:
    """Whether all of it was written; otherwise nothing was."""
    if len(frame) > ATOMIC:
        return False
    try:
        return os.write(fd, frame) == len(frame)
    except OSError:  # full, or its reader has gone, which the pool hears of elsewhere
        return False


def missing(begun: bytes) -> int:
    """How many bytes to read until there is a whole frame, or at least its length."""
    if len(begun) < _LENGTH.size:
        return _LENGTH.size - len(begun)
    return max(_LENGTH.size + _LENGTH.unpack_from(begun)[0] - len(begun), 0)


def parted(read: bytes) -> tuple[deque[Any], bytes]:
    """The answers in what was read, and the beginning of the next."""
    answers: deque[Any] = deque()
    at, view = 0, memoryview(read)
    while at + _LENGTH.size <= len(read):
        end = at + _LENGTH.size + _LENGTH.unpack_from(read, at)[0]
        if end > len(read):
            break
        answers.append(pickle.loads(view[at + _LENGTH.size : end]))  # noqa: S301 (of our own children)
        at = end
    return answers, read[at:]


class Answers(asynpool.ResultHandler):
    """Reads all that a child has said at once."""

    def _make_process_result(self, hub: Any) -> Callable[[int], None]:
        known, hear = self.fileno_to_outq, self.on_state_change

        def on_readable(fd: int) -> None:
            try:
                read = os.read(fd, MOST_AT_ONCE) if fd in known else b""
            except BlockingIOError:
                return
            except OSError:
                read = b""
            if not read:  # its process has gone
                hub.remove_reader(fd)
                return
            answers, begun = parted(read)
            if begun:
                # As Celery's: while it is registered, whoever stops the pool goes on with it.
                rest = finish(fd, begun)
                if next(rest, None) is not None:
                    hub.add_reader(fd, rest)
            hear_all(answers)

        def finish(fd: int, begun: bytes) -> Iterator[int]:
            while left := missing(begun):
                try:
                    part = os.read(fd, left)
                except BlockingIOError:
                    yield left
                    continue
                except OSError:
                    part = b""
                if not part:
                    hub.remove_reader(fd)
                    return
                begun += part
            hub.add_reader(fd, on_readable, fd)
            hear_all(parted(begun)[0])

        def hear_all(answers: deque[Any]) -> None:
            try:
                while answers:
                    if answer := answers.popleft():
                        hear(answer)
            finally:
                # Whatever one of them came to, the others are heard.
                if answers:
                    hear_all(answers)

        return on_readable

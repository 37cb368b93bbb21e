"""How a worker's main process and its children talk: a call for each order, and one for many answers.

Celery's pool asks the event loop when a child's pipe can be written to, and reads each answer in four steps.
Both cost more than what is written and read.
"""

from __future__ import annotations

import os
import pickle
import select
import struct
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from celery.concurrency import asynpool

from app.jobs.celery import compat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Buffer: TypeAlias = bytes | bytearray
KIB = 1024
#: What a pipe holds.
READ_BYTES = 64 * KIB
#: A pipe takes so much whole or not at all.
ATOMIC_BYTES = select.PIPE_BUF
_LENGTH = struct.Struct(">I")


def framed(order: Any) -> tuple[bytes, bytes]:
    """An order as a child reads it: its length, and what it says."""
    body = pickle.dumps(order, protocol=pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(body)), body


def write_whole(fd: int, frame: bytes) -> bool:
    """Whether all of it was written; otherwise nothing was."""
    if len(frame) > ATOMIC_BYTES:
        return False
    try:
        return os.write(fd, frame) == len(frame)
    except OSError:  # full, or its reader has gone, which the pool hears of elsewhere
        return False


def write(fd: int, order: Any, *, otherwise: Callable[[Any], None]) -> None:
    """Write all of it, however long that takes; `otherwise` gets what pickle alone cannot write."""
    try:
        left = memoryview(b"".join(framed(order)))
    except Exception:  # of whatever is to be pickled
        otherwise(order)
        return
    while left:
        left = left[os.write(fd, left) :]


def missing(begun: Buffer) -> int:
    """How many bytes to read until there is a whole frame, or at least its length."""
    if len(begun) < _LENGTH.size:
        return _LENGTH.size - len(begun)
    length: int = _LENGTH.unpack_from(begun)[0]
    return max(_LENGTH.size + length - len(begun), 0)


def parted(read: Buffer) -> tuple[deque[bytes], bytearray]:
    """What each whole frame says, and the beginning of the next."""
    bodies: deque[bytes] = deque()
    at = 0
    while at + _LENGTH.size <= len(read):
        begin = at + _LENGTH.size
        end = begin + _LENGTH.unpack_from(read, at)[0]
        if end > len(read):
            break
        bodies.append(bytes(read[begin:end]))
        at = end
    return bodies, bytearray(read[at:])


class Child(asynpool.Worker):
    """Reads an order and writes an answer with one call each, in the child."""

    outq: Any

    def on_loop_start(self, pid: int) -> None:
        """It is ready."""
        super().on_loop_start(pid)
        self.outq.put = partial(write, compat.writing_end(self.outq), otherwise=self.outq.put)

    def _make_recv_method(self, conn: Any) -> Callable[[float], tuple[bool, Any]]:
        fd, orders, begun = compat.reading_end(conn), deque[bytes](), bytearray()

        def next_order(_timeout: float) -> tuple[bool, Any]:
            nonlocal orders, begun
            while not orders:
                part = os.read(fd, READ_BYTES)
                if not part:
                    raise EOFError
                begun += part
                if not missing(begun):
                    orders, begun = parted(begun)
            return True, pickle.loads(orders.popleft())  # noqa: S301 (of its own main process)

        return next_order


class Answers(asynpool.ResultHandler):
    """Reads all that a child has said at once."""

    fileno_to_outq: Any
    on_state_change: Callable[[Any], None]

    def _make_process_result(self, hub: Any) -> Callable[[int], None]:
        known, hear = self.fileno_to_outq, self.on_state_change

        def on_readable(fd: int) -> None:
            try:
                read = os.read(fd, READ_BYTES) if fd in known else b""
            except BlockingIOError:
                return
            except OSError:
                read = b""
            if not read:  # its process has gone
                hub.remove_reader(fd)
                return
            answers, begun = parted(read)
            try:
                hear_all(answers)
            finally:
                if begun and fd in known:
                    go_on(fd, finish(fd, begun))

        def go_on(fd: int, rest: Iterator[int]) -> None:
            # As Celery's: while it is registered, whoever stops the pool goes on with it.
            if next(rest, None) is not None:
                hub.add_reader(fd, rest)

        def finish(fd: int, begun: bytearray) -> Iterator[int]:
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

        def hear_all(answers: deque[bytes]) -> None:
            try:
                while answers:
                    if answer := pickle.loads(answers.popleft()):  # noqa: S301 (of our own children)
                        hear(answer)
            finally:
                # Whatever one of them came to, the others are heard.
                if answers:
                    hear_all(answers)

        return on_readable

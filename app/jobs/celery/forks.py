"""The processes of a worker's pool: forked from a clean slate, and told from the one that watches over them.

A child must not inherit open connections or work that is half done.

SQLite keeps in the process which locks it holds. A child that inherits such a note believes for ever that
somebody in its own process holds the lock, and none of its writes gets its turn.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections import deque
from typing import TYPE_CHECKING

from celery import signals

from app.db.engine import CONNECT_TIMEOUT, dispose_engine
from app.jobs.celery import compat
from app.jobs.ledger import store

if TYPE_CHECKING:
    from collections.abc import Callable

#: From <linux/prctl.h>.
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
#: Forks wait no longer: a database that does not answer must not keep the pool from replacing a child.
_TIMEOUT_SECONDS = CONNECT_TIMEOUT.total_seconds()


class AtWork:
    """Held by a thread of the worker's main process while it uses the database; forks wait for it.

    Threads get it in the order in which they came: one with work without end must not keep the heartbeat
    from it. A fork that waits goes before them all.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew, in a child, which has none of these threads."""
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()
        self._is_held = self._does_fork_wait = False

    def __enter__(self) -> None:
        me = object()
        with self._changed:
            self._waiting.append(me)
            self._changed.wait_for(lambda: self._is_free and self._waiting[0] is me)
            self._waiting.popleft()
            self._is_held = True

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._is_held = False
            self._changed.notify_all()

    @property
    def is_awaited(self) -> bool:
        """Whether a thread waits for it."""
        return bool(self._waiting)

    @property
    def _is_free(self) -> bool:
        return not self._is_held and not self._does_fork_wait

    def begin_fork(self) -> bool:
        """Wait for the threads; whether none is at work."""
        with self._changed:
            self._does_fork_wait = True
            return self._changed.wait_for(lambda: not self._is_held, _TIMEOUT_SECONDS)

    def end_fork(self) -> None:
        """Let the threads go on."""
        with self._changed:
            self._does_fork_wait = False
            self._changed.notify_all()


at_work = AtWork()
_here = threading.local()
_before_fork: list[Callable[[], None]] = []
_is_child = False


def before(close: Callable[[], None]) -> None:
    """Have `close` called before a fork, while no thread is at work: a child is to inherit nothing open."""
    _before_fork.append(close)


def _before() -> None:
    if at_work.begin_fork():
        for close in _before_fork:
            close()
    store.close()
    dispose_engine()


os.register_at_fork(before=_before, after_in_parent=at_work.end_fork, after_in_child=at_work.reset)


@signals.worker_process_init.connect
def _note_child(**_: object) -> None:
    global _is_child
    _is_child = True


def _end_with_parent(by: int) -> None:
    if _libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(by)) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")


def note_runner() -> None:
    """This thread of the worker's main process runs jobs."""
    _here.is_runner = True


def is_runner() -> bool:
    """Whether jobs run here: in a process of the worker's pool, or in one of its threads."""
    return _is_child or getattr(_here, "is_runner", False)


compat.end_with_parent_by(_end_with_parent)

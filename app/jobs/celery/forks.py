"""The processes of a worker's pool: forked from a clean slate, and told from the one that watches over them.

A child must not inherit open connections or work that is half done.

SQLite keeps in the process which locks it holds. A child that inherits such a note believes for ever that
somebody in its own process holds the lock, and none of its writes gets its turn.
"""

from __future__ import annotations

import ctypes
import os
import threading

from celery import signals

from app.db.engine import CONNECT_TIMEOUT, dispose_engine
from app.jobs.celery import compat
from app.jobs.ledger import store

#: Held by a thread of the worker's main process while it uses the database; forks wait for it.
at_work = threading.Lock()
#: No longer than this: a database that does not answer must not keep the pool from replacing a child.
_LOCK_TIMEOUT_SECONDS = CONNECT_TIMEOUT.total_seconds()
#: From <linux/prctl.h>.
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_waited_for = False
_is_child = False


def _before() -> None:
    global _waited_for
    _waited_for = at_work.acquire(timeout=_LOCK_TIMEOUT_SECONDS)
    store.close()
    dispose_engine()


def _after() -> None:
    if _waited_for:
        at_work.release()


os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after)


@signals.worker_process_init.connect
def _note_child(**_: object) -> None:
    global _is_child
    _is_child = True


def _end_with_parent(by: int) -> None:
    if _libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(by)) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")


def is_child() -> bool:
    """Whether this process is one of the worker's pool."""
    return _is_child


compat.end_with_parent_by(_end_with_parent)

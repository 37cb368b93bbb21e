"""A job that a thread of the worker runs, and how another thread interrupts it."""

from __future__ import annotations

import ctypes
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from billiard.einfo import ExceptionInfo
from celery.exceptions import SoftTimeLimitExceeded, Terminated, WorkerLostError

from app.jobs.celery.batches import claimed
from app.jobs.errors import AttemptStopped
from app.jobs.ledger import store
from app.jobs.transitions import attempt
from app.processes import coroutines

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)

#: What is raised in the midst of a run, by another thread.
INTERRUPTIONS = (SoftTimeLimitExceeded, AttemptStopped)


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Whom the pool tells of a run: the methods of Celery's request."""

    callback: Callable[[Any], None]
    error_callback: Callable[[ExceptionInfo], None]
    timeout_callback: Callable[[bool, float], None]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run came to: one of the two."""

    result: Any = None
    error: ExceptionInfo | None = None


@dataclass(kw_only=True, eq=False)
class Run:
    """Begun by a thread of the pool; interrupted by any other."""

    number: int
    call: Callable[[], Any]
    answers: Answers
    soft: float | None = None
    hard: float | None = None
    #: Whether nobody waits for its end any more.
    is_abandoned: bool = False
    outcome: Outcome | None = None
    _thread: int | None = None
    _interruption: type[BaseException] | None = None
    _has_ended: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def interrupt(self, by: type[BaseException]) -> None:
        """Raise `by` in the body, unless it has ended: at once, or when a call of C returns to it."""
        with self._lock:
            if self._has_ended:
                return
            self._interruption = by
            if self._thread is not None and not coroutines.interrupt(self._thread, by()):
                _raise_in(self._thread, by)

    def terminate(self, _signal: int | None = None) -> None:
        """Stop it; Celery asks the result of a pool to."""
        self.interrupt(AttemptStopped)

    def work(self) -> None:
        """Run it, in this thread; what goes wrong is its outcome."""
        result, raised = None, None
        try:
            self._begin()
            result = self.call()
        except BaseException as error:  # (in a thread that many jobs share)
            raised = error
        while not self._has_ended:
            # No call stands outside of the block, for after one an interruption is raised.
            try:
                self._end()
            except INTERRUPTIONS:
                continue
        # Whatever came after it, such as a time limit, has no say any more.
        left = claimed.left_of(result)
        if left is not None:
            self.outcome = Outcome(result=left)
        elif raised is None:
            self.outcome = Outcome(result=result)
        else:
            self.outcome = Outcome(error=exception_info(raised))
            _clean_up()

    def _begin(self) -> None:
        with self._lock:
            self._thread = threading.get_ident()
        if self._interruption is not None:
            raise self._interruption

    def _end(self) -> None:
        """From here on nothing is raised by others: the thread goes on with another job."""
        with self._lock:
            _raise_in(threading.get_ident(), None)
            self._has_ended = True


def exception_info(error: BaseException) -> ExceptionInfo:
    """What went wrong with a run, as Celery's requests expect it."""
    try:
        if isinstance(error, AttemptStopped):
            raise Terminated(str(error)) from None
        if isinstance(error, Exception):
            raise error
        raise WorkerLostError(repr(error)) from error
    except Exception:
        return ExceptionInfo()


def _clean_up() -> None:
    """A statement may have been cut off in the middle."""
    try:
        attempt.end_current()
    except Exception:
        log.exception("attempt_not_closed")
    store.close()


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Raise in another thread; None takes back what was not raised yet."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), error and ctypes.py_object(error))

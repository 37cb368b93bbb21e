"""Runs a coroutine in an event loop of its own, which a signal or another thread can interrupt.

The signal is that of a soft time limit, whose handler raises. What raises in an event loop outside of a task
is logged and forgotten. So in the coroutine's own code it raises there, and while the coroutine waits it is
raised where that waits.

A coroutine that is a task's body has the job's transaction (`job_session()`, `checkpoint()`) as any other.
That is one session of blocking calls: it belongs to the body itself, not to threads or several tasks of the
loop.
"""

from __future__ import annotations

import asyncio
import inspect
import signal
import threading
import types
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator, Iterator

#: As Celery's pool sends it.
SOFT_LIMIT = signal.SIGUSR1


def finished(result: Any) -> Any:
    """`result`; what it comes to, where it is a coroutine. One that is called from a loop is its caller's."""
    if not inspect.iscoroutine(result) or _is_in_a_loop():
        return result
    body = _Body(result)
    with _interrupted_by_limit(body), _known(body):
        return asyncio.run(body.run())


def interrupt(thread: int, reason: BaseException) -> bool:
    """Raise `reason` in the coroutine that a thread runs, where it waits; False where none does."""
    body = _BODIES.get(thread)
    if body is None or body.is_at_work:
        return False
    body.interrupt(reason)
    return True


#: By the threads that run them.
_BODIES: dict[int, _Body] = {}


class _Body:
    """A coroutine that can be interrupted in two places: in its own code, and where it waits."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._coroutine = coroutine
        self._task: asyncio.Task[Any] | None = None
        #: What is to be raised where it waits.
        self._reason: BaseException | None = None
        #: Whether its own code runs at this moment.
        self.is_at_work = False

    async def run(self) -> Any:
        self._task = asyncio.current_task()
        return await self._driven()

    @property
    def can_be_raised_in(self) -> bool:
        """Whether an exception of a signal handler reaches the body, or nothing of it is left to reach."""
        return self.is_at_work or self._task is None or self._task.done()

    def interrupt(self, reason: BaseException) -> None:
        """Raise `reason` where it waits; called from a signal handler, or from another thread."""
        self._reason = reason
        if self._task is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._task.get_loop().call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._reason is not None and self._task is not None:
            self._task.cancel()

    @types.coroutine
    def _driven(self) -> Generator[Any, Any, Any]:
        raised: BaseException | None = self._taken()
        while True:
            try:
                awaited = self._advance(raised)
            except StopIteration as end:
                return end.value
            raised = None
            try:
                yield awaited
            except asyncio.CancelledError as error:
                raised = self._interruption() or error
            except BaseException as error:  # (the body's to handle)
                raised = error

    def _advance(self, raised: BaseException | None) -> Any:
        self.is_at_work = True
        try:
            return self._coroutine.send(None) if raised is None else self._coroutine.throw(raised)
        finally:
            self.is_at_work = False

    def _taken(self) -> BaseException | None:
        reason, self._reason = self._reason, None
        return reason

    def _interruption(self) -> BaseException | None:
        """Why it was cancelled, if that was an interruption."""
        reason = self._taken()
        if reason is not None and self._task is not None:
            self._task.uncancel()
        return reason


@contextmanager
def _interrupted_by_limit(body: _Body) -> Iterator[None]:
    """Bring what the signal's handler raises to `body` instead of into the event loop."""
    handle = signal.getsignal(SOFT_LIMIT)
    if not callable(handle) or threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: types.FrameType | None) -> None:
        try:
            handle(number, frame)
        except Exception as error:
            if body.can_be_raised_in:
                raise
            body.interrupt(error)

    signal.signal(SOFT_LIMIT, interrupt)
    try:
        yield
    finally:
        signal.signal(SOFT_LIMIT, handle)


@contextmanager
def _known(body: _Body) -> Iterator[None]:
    thread = threading.get_ident()
    _BODIES[thread] = body
    try:
        yield
    finally:
        del _BODIES[thread]


def _is_in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True

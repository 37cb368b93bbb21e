"""Runs a body that is a coroutine: in an event loop of its own, which its job's soft time limit interrupts.

The body has the job's transaction (`job_session()`, `checkpoint()`) as any other. That is one session of
blocking calls: it belongs to the body itself, and not to threads or to several tasks of the loop at once.

The limit is a signal, and what raises in an event loop outside of a task is logged and forgotten. So in the
body's own code it raises there, and while the body waits it is raised where the body waits.
"""

from __future__ import annotations

import asyncio
import inspect
import signal
import threading
import types
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from celery.exceptions import SoftTimeLimitExceeded

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Iterator

SOFT_LIMIT = signal.SIGUSR1


class NotARunnableBody(TypeError):
    """Raised at declaration for a body that gives neither a value nor a coroutine."""

    def __init__(self, *, task: str) -> None:
        super().__init__(
            f"The body of {task} is an async generator, which gives no result: write `return` in place of "
            "`yield`, and show how far it is with checkpoint(progress={...})."
        )


def refuse_generator(body: Callable[..., Any], *, task: str) -> None:
    """Raise `NotARunnableBody` for a body that has both `async` and `yield`."""
    if inspect.isasyncgenfunction(body):
        raise NotARunnableBody(task=task)


def finished(result: Any) -> Any:
    """`result`; what it comes to, where it is a coroutine. One that is called from a loop is its caller's."""
    if not inspect.iscoroutine(result) or _is_in_a_loop():
        return result
    body = _Body(result)
    with _interrupted_by_limit(body):
        return asyncio.run(body.run())


class _Body:
    """A coroutine that can be interrupted in two places: in its own code, and where it waits."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._coroutine = coroutine
        self._task: asyncio.Task[Any] | None = None
        self._is_interrupted = False
        #: Whether its own code runs at this moment.
        self.is_at_work = False

    async def run(self) -> Any:
        self._task = asyncio.current_task()
        return await self._driven()

    @property
    def can_be_raised_in(self) -> bool:
        """Whether an exception of a signal handler reaches the body, or nothing of it is left to reach."""
        return self.is_at_work or self._task is None or self._task.done()

    def interrupt(self) -> None:
        """End its waiting; called from a signal handler."""
        if self._task is not None:
            self._is_interrupted = True
            self._task.get_loop().call_soon_threadsafe(self._task.cancel)

    @types.coroutine
    def _driven(self) -> Generator[Any, Any, Any]:
        raised: BaseException | None = None
        while True:
            try:
                awaited = self._advance(raised)
            except StopIteration as end:
                return end.value
            raised = None
            try:
                yield awaited
            except asyncio.CancelledError as error:
                raised = self._reason(error)
            except BaseException as error:  # (the body's to handle)
                raised = error

    def _advance(self, raised: BaseException | None) -> Any:
        self.is_at_work = True
        try:
            return self._coroutine.send(None) if raised is None else self._coroutine.throw(raised)
        finally:
            self.is_at_work = False

    def _reason(self, error: asyncio.CancelledError) -> BaseException:
        if not self._is_interrupted:
            return error
        self._is_interrupted = False
        if self._task is not None:
            self._task.uncancel()
        return SoftTimeLimitExceeded()


@contextmanager
def _interrupted_by_limit(body: _Body) -> Iterator[None]:
    """Bring the signal of the soft time limit to `body` instead of into the event loop."""
    raise_limit = signal.getsignal(SOFT_LIMIT)
    if not callable(raise_limit) or threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: types.FrameType | None) -> None:
        if body.can_be_raised_in:
            raise_limit(number, frame)
        else:
            body.interrupt()

    signal.signal(SOFT_LIMIT, interrupt)
    try:
        yield
    finally:
        signal.signal(SOFT_LIMIT, raise_limit)


def _is_in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True

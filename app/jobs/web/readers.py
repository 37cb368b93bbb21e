"""Threads that read from the ledger for requests, each on a connection that it keeps.

Those who wait for the same look share it. Nobody is given one that began before they asked: it could lack
what they have just done.

A thread of the server's pool would take a connection from the engine for each look, try it, and begin and end
a transaction: four round trips, where one asks the question.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from queue import SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from starlette.concurrency import run_in_threadpool

from app.db import outages
from app.jobs.ledger import store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

T = TypeVar("T")

#: So many connections has each process of the API for this; more readers would wait for the processor.
THREADS = 2
STOP_SECONDS = 10.0


class _Asked(NamedTuple):
    answer: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class Readers:
    """The reading threads of a process."""

    def __init__(self) -> None:
        #: Looks that are to be taken, and who waits for each that has not begun.
        self._looks: SimpleQueue[Callable[[store.Connection], Any] | None] = SimpleQueue()
        self._waiting: dict[Callable[[store.Connection], Any], list[_Asked]] = {}
        self._lock = Lock()
        self._threads = [
            Thread(target=self._read_on, name=f"reader-{number}", daemon=True) for number in range(THREADS)
        ]
        for thread in self._threads:
            thread.start()

    async def read(self, look: Callable[[store.Connection], T]) -> T:
        """What `look` finds on a connection that commits each statement by itself; equal looks are one."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        with self._lock:
            waiting = self._waiting.get(look)
            if waiting is None:
                waiting = self._waiting[look] = []
                self._looks.put(look)
            waiting.append(_Asked(answer, loop))
        return await answer

    def close(self) -> None:
        """Answer what was asked, and end."""
        for _ in self._threads:
            self._looks.put(None)
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def _read_on(self) -> None:
        while (look := self._looks.get()) is not None:
            with self._lock:
                asked = self._waiting.pop(look)
            # Whoever has hung up needs no answer.
            if any(not one.answer.done() for one in asked):
                _tell(asked, _looked(look))
        store.close()


class _Failure(NamedTuple):
    error: Exception


def _looked(look: Callable[[store.Connection], Any]) -> Any:
    try:
        return _looked_twice(look)
    except Exception as error:
        return _Failure(error)


def _looked_twice(look: Callable[[store.Connection], Any]) -> Any:
    try:
        return look(store.connection())
    except outages.ERRORS:
        if not store.close_if_lost():
            raise
        # The server was restarted since this thread's last look.
        return look(store.connection())


def _tell(asked: Sequence[_Asked], found: Any) -> None:
    for loop in {one.loop for one in asked}:
        with suppress(RuntimeError):  # a loop that is closed has nobody who waits
            answers = [one.answer for one in asked if one.loop is loop]
            loop.call_soon_threadsafe(_answer, answers, found)


def _answer(answers: Sequence[asyncio.Future[Any]], found: Any) -> None:
    for answer in answers:
        if answer.done():
            continue
        if isinstance(found, _Failure):
            answer.set_exception(found.error)
        else:
            answer.set_result(found)


_readers: Readers | None = None


def current() -> Readers | None:
    """The readers of this process, while the API runs."""
    return _readers


@asynccontextmanager
async def reading_along(_app: Any) -> AsyncIterator[None]:
    """Have readers while the API runs, in each of its processes."""
    global _readers
    started = _readers = Readers()
    yield
    _readers = None
    await run_in_threadpool(started.close)

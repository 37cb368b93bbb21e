"""Threads that read from the ledger for requests, each on a connection that it keeps.

A thread of the server's pool would take a connection from the engine for each look, try it, and begin and end
a transaction: four round trips, where one asks the question.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from starlette.concurrency import run_in_threadpool

from app.db import outages
from app.jobs.ledger import store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

T = TypeVar("T")

#: So many connections has each process of the API for this; more readers would wait for the processor.
THREADS = 2
STOP_SECONDS = 10.0


class _Asked(NamedTuple):
    look: Callable[[store.Connection], Any]
    answer: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class Readers:
    """The reading threads of a process."""

    def __init__(self) -> None:
        self._asked: SimpleQueue[_Asked | None] = SimpleQueue()
        self._threads = [
            Thread(target=self._read_on, name=f"reader-{number}", daemon=True) for number in range(THREADS)
        ]
        for thread in self._threads:
            thread.start()

    async def read(self, look: Callable[[store.Connection], T]) -> T:
        """What `look` finds on a connection that commits each statement by itself."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._asked.put(_Asked(look, answer, loop))
        return await answer

    def close(self) -> None:
        """Answer what was asked, and end."""
        for _ in self._threads:
            self._asked.put(None)
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def _read_on(self) -> None:
        while (asked := self._asked.get()) is not None:
            if asked.answer.done():
                continue  # whoever asked has hung up
            found = _looked(asked.look)
            with suppress(RuntimeError):  # a loop that is closed has nobody who waits
                asked.loop.call_soon_threadsafe(_answer, asked.answer, found)
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


def _answer(answer: asyncio.Future[Any], found: Any) -> None:
    if answer.done():
        return
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

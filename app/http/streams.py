"""Server-sent events that follow something in the database, at a bounded cost per listener and process."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from starlette.concurrency import run_in_threadpool

from app.db import outages
from app.db.sessions import reading
from app.errors import Unavailable
from app.http.credentials import still_good

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from fastapi import Request
    from pydantic import BaseModel
    from sqlalchemy.orm import Session

T = TypeVar("T")

#: The database is asked this often while something changes, and ever more seldom while it does not.
SHORTEST_WAIT = timedelta(milliseconds=250)
LONGEST_WAIT = timedelta(seconds=3)
#: A listener comes back by itself after this, with its token checked anew.
LONGEST_STREAM = timedelta(minutes=10)
HEARTBEAT = timedelta(seconds=15)
RECONNECT = timedelta(seconds=1)
MAX_STREAMS = 100
_open: set[object] = set()
_ends: list[Callable[[], bool]] = []


class TooManyStreams(Unavailable):
    """Raised when a process has as many listeners as it may."""

    code = "too_many_streams"

    def __init__(self) -> None:
        super().__init__(f"{MAX_STREAMS} listeners are connected here. Try again, or ask without events.")


def refuse_when_full() -> None:
    """Raise `TooManyStreams` when no further listener fits."""
    if len(_open) >= MAX_STREAMS:
        raise TooManyStreams


def end_when(stopping: Callable[[], bool]) -> None:
    """End all streams once `stopping` is true; a server that stops waits for its answers to end."""
    _ends.append(stopping)


async def changes(look: Callable[[Session], T], *, request: Request) -> AsyncGenerator[T, None]:
    """What `look` sees, whenever it is something else than before; close it when enough was seen.

    It ends when whoever made `request` would not be let in again.
    """
    listener = object()
    _open.add(listener)
    try:
        async for seen in _follow(look, still_good(request)):
            yield seen
    finally:
        _open.discard(listener)


def event(name: str, data: BaseModel) -> dict[str, Any]:
    """An event as `sse_starlette` sends it."""
    return {"event": name, "data": data.model_dump_json(), "retry": int(RECONNECT.total_seconds() * 1000)}


async def _follow(look: Callable[[Session], T], is_good: Callable[[Session], bool]) -> AsyncIterator[T]:
    before: T | None = None
    wait, until = SHORTEST_WAIT, time.monotonic() + LONGEST_STREAM.total_seconds()
    while time.monotonic() < until and not any(stopping() for stopping in _ends):
        try:
            now = await run_in_threadpool(_look, look, is_good)
        except _NotAdmitted:
            return
        wait = min(wait * 1.5, LONGEST_WAIT)
        if now is not None and now != before:
            before, wait = now, SHORTEST_WAIT
            yield now
        await anyio.sleep(wait.total_seconds())


class _NotAdmitted(Exception):
    """Raised when the listener's session or token has ended, or its role has changed."""


def _look(look: Callable[[Session], T], is_good: Callable[[Session], bool]) -> T | None:
    """What is there now; None while the database does not answer."""
    try:
        with reading() as session:
            if not is_good(session):
                raise _NotAdmitted
            return look(session)
    except outages.ERRORS as error:
        if not outages.is_transient(error):
            raise
        return None

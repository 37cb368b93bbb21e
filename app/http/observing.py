"""Shows finished requests to whoever observes them, such as an audit log."""

from __future__ import annotations

import time
from asyncio import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger(__name__)

#: As nginx writes down a request whose client hung up before there was an answer.
CLIENT_CLOSED_REQUEST = 499
#: In the state of a request: a page that is open asks for itself again, which was observed lately.
REPEATED = "repeated"
#: Of a longer body, nothing is kept.
MAX_BODY = 64 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """A request and how it was answered. `scope` holds what the other middleware has put there."""

    scope: Scope
    #: As it was read, or None for one that was too long; a body that nobody read is empty.
    body: bytes | None
    body_size: int
    status: int
    #: Nanoseconds since 1970, by this host's clock.
    began_at: int
    seconds: float


_OBSERVERS: list[Callable[[Exchange], None]] = []


@contextmanager
def observed_by(observer: Callable[[Exchange], None]) -> Iterator[None]:
    """Show `observer` each request that ends meanwhile. It is called where requests are served: be quick."""
    _OBSERVERS.append(observer)
    try:
        yield
    finally:
        _OBSERVERS.remove(observer)


class Observe:
    """ASGI middleware: watches a request from its first to its last byte, if anybody observes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _OBSERVERS:
            await self.app(scope, receive, send)
            return
        watch = _Watch(scope, receive, send)
        try:
            await self.app(scope, watch.receive, watch.send)
        except CancelledError:
            watch.end(otherwise=CLIENT_CLOSED_REQUEST)
            raise
        except BaseException:
            watch.end(otherwise=HTTPStatus.INTERNAL_SERVER_ERROR)
            raise
        watch.end(otherwise=CLIENT_CLOSED_REQUEST)


class _Watch:
    """What passes by of one request."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._began_at, self._began = time.time_ns(), time.perf_counter()
        self._parts: list[bytes] = []
        self._size = 0
        self._status: int | None = None

    async def receive(self) -> Message:
        message = await self._receive()
        part = message.get("body", b"")
        self._size += len(part)
        if part and self._size <= MAX_BODY:
            self._parts.append(part)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
        await self._send(message)

    def end(self, *, otherwise: int) -> None:
        """Show what was seen; `otherwise` is the status of a request that was not answered."""
        exchange = Exchange(
            scope=self._scope,
            body=b"".join(self._parts) if self._size <= MAX_BODY else None,
            body_size=self._size,
            status=otherwise if self._status is None else self._status,
            began_at=self._began_at,
            seconds=time.perf_counter() - self._began,
        )
        for observer in _OBSERVERS:
            try:
                observer(exchange)
            except Exception:
                # The answer is out; nothing that is wrong here may spoil it.
                log.exception("request_not_observed", path=self._scope["path"])

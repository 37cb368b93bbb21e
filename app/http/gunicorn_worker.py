"""gunicorn's asgi worker, with an end to all that a client can leave undone.

gunicorn 27 waits without end for the head of a request, and on a stop for as long as `graceful_timeout` for
connections on which nothing is being asked. What it answers by itself is plain text.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from gunicorn.asgi import protocol  # type: ignore[import-untyped]
from gunicorn.asgi.protocol import ASGIProtocol  # type: ignore[import-untyped]
from gunicorn.workers import gasgi  # type: ignore[import-untyped]

from app.http.problems import MEDIA_TYPE, document_of
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Sequence

log = structlog.get_logger("app.http.access")

#: A connection that was used until just now may have its next request on the way, which must not be lost.
IDLE_SECONDS = 1.0
#: A stop waits no longer for the rest of a request.
REST_SECONDS = 5.0
LOOK_SECONDS = 0.1
#: A client that is refused while it still sends gets so long to read why. What it sends meanwhile is dropped;
#: closed at once, the kernel would answer what arrives with a reset, and a reset destroys the refusal unread.
LINGER_SECONDS = 2.0
#: What gunicorn refuses, in words that repeat nothing of the request.
REFUSALS = {
    HTTPStatus.BAD_REQUEST: ("malformed_request", "This is not an HTTP request."),
    HTTPStatus.REQUEST_TIMEOUT: ("request_incomplete", "The request did not arrive in full."),
    HTTPStatus.REQUEST_URI_TOO_LONG: ("uri_too_long", "The URL is too long. Send less in it."),
    HTTPStatus.UPGRADE_REQUIRED: ("upgrade_required", "This version of HTTP is not supported."),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: (
        "headers_too_large",
        "The headers are too large or too many. Send fewer.",
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: (
        "internal_error",
        "Something went wrong in the service, not in the request.",
    ),
    HTTPStatus.NOT_IMPLEMENTED: ("not_implemented", "The encoding of the body is not supported."),
}


class Connection(ASGIProtocol):  # type: ignore[misc]
    """One connection of a client."""

    _closed: bool

    def __init__(self, worker: Worker) -> None:
        super().__init__(worker)
        self._head_timer: asyncio.TimerHandle | None = None
        self._idle_since: float | None = None
        self._has_part_of_head = False
        self._is_refused = False
        self._linger_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A client has connected, and is given some time to ask for something."""
        super().connection_made(transport)
        self.worker.connections.add(self)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.worker.connections.discard(self)
        self._head_has_come()
        if self._linger_timer is not None:
            self._linger_timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has arrived, unless nobody wants it any more."""
        if self._linger_timer is None:
            super().data_received(data)

    def _close_transport(self) -> None:
        if self._closed or self.transport is None or not self._may_still_send():
            super()._close_transport()
            return
        self._closed = True
        self._linger_timer = self.worker.loop.call_later(LINGER_SECONDS, self.transport.close)
        # The client sees the end of the answer by this; once it hangs up, asyncio closes the connection.
        with suppress(OSError):
            self.transport.write_eof()
        self._resume_reading()

    def _may_still_send(self) -> bool:
        receiver = self._body_receiver
        return self._is_refused or (receiver is not None and not receiver._complete)

    def _feed_callback_parser(self, data: bytes) -> bool:
        """Read part of a request, that came just now or behind the request before."""
        self._idle_since = None
        if self._is_between_requests():
            self._has_part_of_head = True
            if self._head_timer is None:
                self._wait_for_head()
        return bool(super()._feed_callback_parser(data))

    def _on_headers_complete(self) -> Any:
        self._head_has_come()
        return super()._on_headers_complete()

    def _wait_for_head(self) -> None:
        self._head_timer = self.worker.loop.call_later(settings().api_request_seconds, self._give_up_head)

    def _head_has_come(self) -> None:
        self._has_part_of_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up_head(self) -> None:
        self._head_timer = None
        if self._has_part_of_head:
            self._send_error_response(HTTPStatus.REQUEST_TIMEOUT, "the head of the request did not come")
        self._hang_up()

    def _hang_up(self) -> None:
        self._close_transport()
        # Whoever waits for the next request sees that there is none.
        self._request_ready.set()

    def _is_between_requests(self) -> bool:
        return self._current_request is None and not self._finishing_calls and self._websocket is None

    def close_if_idle(self, *, now: float) -> None:
        """Hang up once nothing has been asked for a while."""
        if not self._is_between_requests():
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = now
        elif now - self._idle_since >= IDLE_SECONDS:
            self._hang_up()

    def end_waiting_for_rest(self) -> None:
        """Have a request whose rest has not come be answered as it is."""
        if self._body_receiver is not None and not self._body_receiver._complete:
            self._body_receiver.signal_disconnect()

    def _send_error_response(
        self, status: int, message: str, extra_headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        """In the form of all other answers; `message` may quote the request, and is for the log."""
        self._is_refused = True
        found = HTTPStatus(status)
        code, detail = REFUSALS.get(found, (found.name.lower(), f"{found.phrase}."))
        request_id = uuid.uuid4().hex
        log.info("request_refused", status=status, reason=message[:200], request_id=request_id)
        body = json.dumps(document_of(status=status, code=code, detail=detail, request_id=request_id))
        headers = {
            "Content-Type": MEDIA_TYPE,
            "Content-Length": str(len(body)),
            "X-Request-ID": request_id,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
            **dict(extra_headers),
            "Connection": "close",
        }
        head = [f"HTTP/1.1 {status} {found.phrase}", *map(": ".join, headers.items())]
        self._safe_write("\r\n".join([*head, "", body]).encode())


# The beginnings of 16,384 sizes of chunks, 3 MiB; one that is not there is made, and only streams of events
# are sent in chunks here.
protocol._CHUNK_PREFIXES.clear()
# The worker makes connections of this class, and has no other place to name one.
gasgi.ASGIProtocol = Connection


class Worker(gasgi.ASGIWorker):  # type: ignore[misc]
    """A process that serves the API."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.connections: set[Connection] = set()

    async def _shutdown(self) -> None:
        closing = self.loop.create_task(self._close_connections())
        try:
            await super()._shutdown()
        finally:
            closing.cancel()

    async def _close_connections(self) -> None:
        began = self.loop.time()
        while True:
            now = self.loop.time()
            for connection in list(self.connections):
                connection.close_if_idle(now=now)
                if now - began >= REST_SECONDS:
                    connection.end_waiting_for_rest()
            await asyncio.sleep(LOOK_SECONDS)

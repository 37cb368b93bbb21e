"""Notes finished requests in memory, as quickly as can be; the module `writer` does the rest."""

from __future__ import annotations

import threading
import time
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from app.domains.audit.recording.arguments import arguments_of, without_secret_parts
from app.domains.audit.recording.sampling import Sampler
from app.domains.audit.records import MAX_INT, OperationRecord, moment, new_id
from app.http.client_addresses import address_of
from app.http.observing import REPEATED
from app.http.raw_headers import header
from app.http.routing import door_at
from app.settings.config import settings
from app.tokens.owners import Reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.http.observing import Exchange

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})
STRANGERS = "callers without a token"
#: What waits while the database is away; what comes beyond is dropped, and counted.
MAX_WAITING = 50_000
MAX_WAITING_BYTES = 32 * 1024 * 1024
#: What a request without a body takes, about.
BYTES_EACH = 1_000
#: Codes of the rows that stand for requests which have none of their own.
SAMPLED, DROPPED = "audit_refusals_left_out", "audit_records_dropped"


class Noted(NamedTuple):
    """A request as it is noted: what must be read at once, and nothing worked out."""

    app: Any
    at: int
    milliseconds: int
    method: str
    path: str
    query: bytes
    body: bytes | None
    body_size: int
    status: int
    code: str | None
    trace_id: str | None
    caller: Any
    address: str
    user_agent: str

    @property
    def size(self) -> int:
        """Bytes that it takes in memory, about."""
        return BYTES_EACH + len(self.path) + len(self.query) + len(self.body or b"")


class Recorder:
    """The requests of this process that wait to be written."""

    def __init__(self) -> None:
        self._waiting: deque[Noted] = deque()
        self._bytes = self._dropped = 0
        self._lock = threading.Lock()
        self._sampler = Sampler()

    def __len__(self) -> int:
        return len(self._waiting)

    def note(self, exchange: Exchange) -> None:
        """Keep a request in mind if it belongs into the log."""
        if not self._is_wanted(exchange):
            return
        noted = _noted(exchange)
        with self._lock:
            if len(self._waiting) >= MAX_WAITING or self._bytes + noted.size > MAX_WAITING_BYTES:
                self._dropped += 1
                return
            self._waiting.append(noted)
            self._bytes += noted.size

    def take(self, *, at_most: int) -> list[Noted]:
        """The requests that wait longest; they are the taker's from now on."""
        with self._lock:
            taken = [self._waiting.popleft() for _ in range(min(at_most, len(self._waiting)))]
            self._bytes -= sum(noted.size for noted in taken)
        return taken

    def left_out(self, *, at_end: bool = False) -> Iterator[OperationRecord]:
        """Rows that stand for requests which have none of their own, since they were asked for last."""
        with self._lock:
            dropped, self._dropped = self._dropped, 0
        if dropped:
            yield _counted(DROPPED, dropped)
        for who, count in self._sampler.left_out(now=float("inf") if at_end else None):
            yield _counted(SAMPLED, count, user_name=who)

    def _is_wanted(self, exchange: Exchange) -> bool:
        state = exchange.scope["state"]
        is_new = not state.get(REPEATED)
        if state.get("reach") is Reach.EVERYBODYS and is_new:
            return True
        caller = state.get("caller")
        if _is_refused(exchange) or (caller is None and exchange.status >= HTTPStatus.BAD_REQUEST):
            return self._sampler.admits(caller.name if caller else STRANGERS)
        return exchange.scope["method"] not in SAFE or (settings().audit_reads and is_new)


def _is_refused(exchange: Exchange) -> bool:
    """Whether it was denied; what is another's is answered as if it were not there."""
    if exchange.status == HTTPStatus.NOT_FOUND:
        return exchange.scope["state"].get("reach") is Reach.OWN
    return exchange.status in REFUSED


def _noted(exchange: Exchange) -> Noted:
    scope = exchange.scope
    return Noted(
        app=scope["app"],
        at=exchange.began_at,
        milliseconds=round(exchange.seconds * 1000),
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"],
        body=exchange.body,
        body_size=exchange.body_size,
        status=exchange.status,
        code=scope["state"].get("problem_code"),
        trace_id=scope["state"].get("request_id"),
        caller=scope["state"].get("caller"),
        address=address_of(scope),
        user_agent=header(scope, b"user-agent") or "",
    )


def record_of(noted: Noted) -> OperationRecord:
    """The row of a request, without secrets."""
    door = door_at(noted.app, path=noted.path, method=noted.method)
    return OperationRecord(
        id=new_id(at=noted.at),
        at=moment(noted.at),
        trace_id=noted.trace_id,
        user_id=noted.caller.user_id if noted.caller else None,
        user_name=noted.caller.name if noted.caller else None,
        token_id=noted.caller.token_id if noted.caller else None,
        address=noted.address,
        user_agent=noted.user_agent or None,
        method=noted.method,
        route=door.path if door else None,
        title=door.title if door else None,
        path=without_secret_parts(noted.path, door=door),
        arguments=arguments_of(query=noted.query, body=noted.body, body_size=noted.body_size),
        status=noted.status,
        code=noted.code,
        milliseconds=noted.milliseconds,
    )


def _counted(code: str, count: int, *, user_name: str | None = None) -> OperationRecord:
    now = time.time_ns()
    return OperationRecord(
        id=new_id(at=now), at=moment(now), code=code, left_out=min(count, MAX_INT), user_name=user_name
    )

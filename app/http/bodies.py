"""What a request may carry: bounded bodies, strict JSON, and nothing the databases cannot hold.

Nothing of a body is read before it is known who sends it and that they may. A file that is sent is not read
here at all: its route takes it piece by piece.
"""

from __future__ import annotations

import asyncio
import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.routing import compile_path

from app.errors import GroundworkError
from app.http.problems import respond_to
from app.http.raw_headers import header
from app.http.routing import refuse_method, refuse_unscoped
from app.settings.config import settings
from app.values.strict_json import parsed

if TYPE_CHECKING:
    import re

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

KIB = 1024
DEFAULT_LIMIT = 256 * KIB
#: Larger bodies are parsed in a thread, so that other requests go on meanwhile.
PARSED_IN_PLACE = 64 * KIB
UTF_8 = frozenset({"utf-8", "utf8"})
#: Versions of HTTP in which a body is announced in the head.
ANNOUNCED_IN = frozenset({"1.0", "1.1"})
#: What is in the state of a request whose body was read.
DOCUMENT = "document"
#: A file may take as long as it needs at this pace, besides what any body may take.
SLOWEST_BYTES_PER_SECOND = 16 * KIB
_LIMITS: dict[str, int] = {}
#: The same for paths with parameters.
_LIMITS_BY_PATTERN: list[tuple[re.Pattern[str], int]] = []
_UPLOADS: list[re.Pattern[str]] = []


class BodyTooLarge(GroundworkError):
    """Raised when a body is longer than its route takes; what came of it was not kept."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "body_too_large"

    def __init__(self, *, limit: int) -> None:
        super().__init__(f"The body is over {limit} bytes. Send less, or several requests.")


class NotJson(GroundworkError):
    """Raised for a body that is announced as something else than plain JSON."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "unsupported_media_type"

    def __init__(self, *, found: str) -> None:
        super().__init__(f"The body is {found}. Send JSON in UTF-8 with Content-Type: application/json.")


class BodyIncomplete(GroundworkError):
    """Raised when a body ends before it is whole."""

    status = HTTPStatus.REQUEST_TIMEOUT
    code = "body_incomplete"

    def __init__(self) -> None:
        super().__init__("The body did not arrive in full.")


class NulInUrl(GroundworkError):
    """Raised for a NUL in the path or the query: no text in the database can hold one."""

    status = HTTPStatus.BAD_REQUEST
    code = "nul_in_url"

    def __init__(self) -> None:
        super().__init__("The URL holds %00. Remove it.")


def allow_larger(path: str, *, limit: int) -> None:
    """Let bodies sent to `path`, as its route has it, have `limit` bytes; call it beside the route."""
    if "{" in path:
        _LIMITS_BY_PATTERN.append((compile_path(path)[0], limit))
    else:
        _LIMITS[path] = limit


def allow_upload(path: str, *, limit: int) -> None:
    """Let `path`, as its route has it, take files of `limit` bytes; call it beside the route.

    Its route stores them by `app.storage.uploads.upload`. Name it in `proxy_larger_bodies` of the proxy, too.
    """
    allow_larger(path, limit=limit)
    _UPLOADS.append(compile_path(path)[0])


def _is_upload(path: str) -> bool:
    return any(pattern.match(path) for pattern in _UPLOADS)


def _limit_at(path: str) -> int:
    if path in _LIMITS:
        return _LIMITS[path]
    return next((limit for pattern, limit in _LIMITS_BY_PATTERN if pattern.match(path)), DEFAULT_LIMIT)


class Bodies:
    """ASGI middleware: reads the body up to its limit, checks it and hands it on in one piece, and parsed."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
                raise NulInUrl
            refuse_method(scope)
            if not may_have_body(scope):
                await self.app(scope, receive, send)
                return
            is_upload = _is_upload(scope["path"])
            arriving = bounded(scope, receive, slowest=SLOWEST_BYTES_PER_SECOND if is_upload else math.inf)
            if is_upload and "caller" in scope["state"]:
                refuse_unscoped(scope)
            if is_upload or "caller" not in scope["state"]:
                # The route says first whether it is from who it says; then it reads, and parses itself.
                await self.app(scope, arriving, send)
                return
            body = await _read(scope, arriving)
        except GroundworkError as error:
            await respond_to(scope, error)(scope, receive, send)
            return
        await self.app(scope, _replay(body, receive), send)


def may_have_body(scope: Scope) -> bool:
    """Whether anything can come behind the head of a request. In HTTP/2 it needs no announcement."""
    if scope["http_version"] not in ANNOUNCED_IN or header(scope, b"transfer-encoding") is not None:
        return True
    return (header(scope, b"content-length") or "0") != "0"


async def _read(scope: Scope, arriving: Receive) -> bytes:
    refuse_unscoped(scope)
    parts: list[bytes] = []
    more = True
    while more:
        message = await arriving()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    body = b"".join(parts)
    if body:
        _check_type(scope)
        scope["state"][DOCUMENT] = await _parsed(body)
    return body


def bounded(scope: Scope, receive: Receive, *, slowest: float = math.inf) -> Receive:
    """`receive` for a body: refuses one longer than the route takes, or that is too long on its way.

    Each byte of it that has come buys time for the next, at `slowest` bytes a second.
    """
    limit, silence = _limit_at(scope["path"]), settings().api_request_seconds
    announced = header(scope, b"content-length") or "0"
    now = asyncio.get_running_loop().time
    deadline = now() + silence
    size, more = 0, True

    async def receive_bounded() -> Message:
        nonlocal size, more
        if not more:
            return await receive()
        if announced.isdecimal() and int(announced) > limit:
            raise BodyTooLarge(limit=limit)
        try:
            async with asyncio.timeout_at(min(deadline + size / slowest, now() + silence)):
                message = await receive()
        except TimeoutError:
            raise BodyIncomplete from None
        if message["type"] == "http.disconnect":
            raise BodyIncomplete
        size += len(message.get("body", b""))
        if size > limit:
            raise BodyTooLarge(limit=limit)
        more = message.get("more_body", False)
        return message

    return receive_bounded


def _replay(body: bytes, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def _check_type(scope: Scope) -> None:
    media_type, *parameters = (header(scope, b"content-type") or "").lower().split(";")
    if media_type.strip() != "application/json":
        raise NotJson(found=_shown(media_type) or "of no declared type")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in UTF_8:
            raise NotJson(found=f"in another character set ({_shown(parameter)})")
    encoding = header(scope, b"content-encoding") or "identity"
    if encoding.lower() != "identity":
        raise NotJson(found=f"compressed ({_shown(encoding)})")


def _shown(given: str) -> str:
    return given.strip()[:64]


async def _parsed(body: bytes) -> Any:
    if len(body) <= PARSED_IN_PLACE:
        return parsed(body)
    return await run_in_threadpool(parsed, body)

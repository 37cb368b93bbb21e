"""What a request may carry: bounded bodies, strict JSON, and nothing the databases cannot hold."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers

from app.errors import GroundworkError
from app.problems import respond_to
from app.strict_json import check

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

KIB = 1024
DEFAULT_LIMIT = 256 * KIB
#: Larger bodies are parsed in a thread, so that other requests go on meanwhile.
PARSED_IN_PLACE = 64 * KIB
_LIMITS: dict[str, int] = {}


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
    """Let bodies sent to exactly `path` have `limit` bytes; call it beside the route."""
    _LIMITS[path] = limit


class Bodies:
    """ASGI middleware: reads the body up to its limit, checks it and hands it on in one piece."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
                raise NulInUrl
            body = await _read(scope, receive)
            if body:
                _check_type(Headers(scope=scope))
                await _check_json(body)
        except GroundworkError as error:
            await respond_to(scope, error)(scope, receive, send)
            return
        await self.app(scope, _replay(body, receive), send)


async def _read(scope: Scope, receive: Receive) -> bytes:
    limit = _LIMITS.get(scope["path"], DEFAULT_LIMIT)
    announced = Headers(scope=scope).get("content-length", "0")
    if announced.isdecimal() and int(announced) > limit:
        raise BodyTooLarge(limit=limit)
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BodyIncomplete
        body += message.get("body", b"")
        if len(body) > limit:
            raise BodyTooLarge(limit=limit)
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def _check_type(headers: Headers) -> None:
    media_type, _, parameters = headers.get("content-type", "").lower().partition(";")
    if media_type.strip() != "application/json":
        raise NotJson(found=media_type.strip() or "of no declared type")
    if "charset" in parameters and "utf-8" not in parameters:
        raise NotJson(found=f"in another character set ({parameters.strip()})")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise NotJson(found=f"compressed ({headers['content-encoding']})")


async def _check_json(body: bytes) -> None:
    if len(body) <= PARSED_IN_PLACE:
        check(body)
    else:
        await run_in_threadpool(check, body)

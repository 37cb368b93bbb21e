"""What every answer of the console has: headers that keep a browser from doing more than show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from app.console import errors

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger(__name__)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    # With no-referrer, as the API has it, browsers hide where a form comes from: Origin is null then.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


class Frame:
    """ASGI middleware: adds the headers, and answers with a page what nobody foresaw."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_framed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        try:
            await self.app(scope, receive, send_framed)
        except Exception:
            if started:
                raise
            log.exception("request_failed", method=scope["method"], path=scope["path"])
            await errors.unforeseen(scope)(scope, receive, send_framed)

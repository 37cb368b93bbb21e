"""A span for each request of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.trace import SpanKind, StatusCode

from app.http.access import PROBES
from app.http.raw_headers import header
from app.telemetry.spans import context_of, tracer

if TYPE_CHECKING:
    from opentelemetry.trace import Span
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Asked again and again by machines, which are nobody's trace.
UNTRACED = PROBES | {"/metrics"}
#: A stream is as long as its listener likes, which says nothing of the service.
STREAMS = "/events"
SERVER_ERROR = 500


class TraceRequests:
    """ASGI middleware: a span from the first to the last byte, named after its route: a path tells more."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope.get("path", "")
        if scope["type"] != "http" or path in UNTRACED or path.endswith(STREAMS):
            await self.app(scope, receive, send)
            return
        opened = tracer().start_as_current_span(
            scope["method"],
            context=context_of(header(scope, b"traceparent")),
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": scope["method"],
                "groundwork.request_id": scope["state"]["request_id"],
            },
            # Its message may quote what it was sent.
            record_exception=False,
            set_status_on_exception=False,
        )
        with opened as span:

            async def send_noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _note_status(span, message["status"])
                await send(message)

            try:
                await self.app(scope, receive, send_noted)
            except Exception as error:
                span.set_attribute("error.type", type(error).__name__)
                _note_status(span, SERVER_ERROR)
                raise
            finally:
                _name(span, scope)


def _note_status(span: Span, status: int) -> None:
    span.set_attribute("http.response.status_code", status)
    if status >= SERVER_ERROR:
        span.set_status(StatusCode.ERROR)


def _name(span: Span, scope: Scope) -> None:
    if route := getattr(scope.get("route"), "path", None):
        span.set_attribute("http.route", route)
        span.update_name(f"{scope['method']} {route}")

"""Servers that speak the protocols of a collector of OpenTelemetry and of Sentry."""

from __future__ import annotations

import gzip
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan


@dataclass
class Received:
    """What came so far: paths, headers and bodies, as they were before any compression."""

    #: What all are answered; None is never.
    status: int | None = 200
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def spans(self) -> list[Span]:
        """Those of all requests to a collector."""
        return [
            Span(raw=span, resource=_values(group.resource.attributes))
            for _, _, body in list(self.requests)
            for group in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]

    @property
    def events(self) -> list[dict[str, Any]]:
        """Those of all envelopes to Sentry."""
        return [event for _, _, body in list(self.requests) for event in _events(body)]


@dataclass(frozen=True)
class Span:
    """A span as the collector was told of it."""

    raw: WireSpan
    resource: dict[str, Any]

    @property
    def name(self) -> str:
        return self.raw.name

    @property
    def trace(self) -> str:
        return self.raw.trace_id.hex()

    @property
    def id(self) -> str:
        return self.raw.span_id.hex()

    @property
    def parent(self) -> str:
        return self.raw.parent_span_id.hex()

    @property
    def attributes(self) -> dict[str, Any]:
        return _values(self.raw.attributes)


def _values(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


def _events(envelope: bytes) -> Iterator[dict[str, Any]]:
    """An envelope is a line about itself, and then a line about each item before its payload."""
    _, _, rest = envelope.partition(b"\n")
    while rest.strip():
        head, _, rest = rest.partition(b"\n")
        about = json.loads(head)
        payload, rest = rest[: about["length"]], rest[about["length"] :].lstrip(b"\n")
        if about["type"] == "event":
            yield json.loads(payload)


@contextmanager
def receiving(*, status: int | None = 200) -> Iterator[Received]:
    """A server that answers everybody in this way."""
    received = Received(status=status)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            unpacked = gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body
            headers = {name.lower(): value for name, value in self.headers.items()}
            received.requests.append((self.path, headers, unpacked))
            if received.status is None:
                received.released.wait()
                return
            self.send_response(received.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    received.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield received
    finally:
        received.released.set()
        server.shutdown()
        server.server_close()

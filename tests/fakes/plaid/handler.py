"""HTTP for the server: JSON in, JSON or an error in Plaid's form out."""

from __future__ import annotations

import json
import re
import uuid
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from tests.fakes.plaid.faults import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    Answer = Callable[[str, Any, dict[str, Any]], dict[str, Any]]


#: A string "#0.10#" goes over the wire as the number 0.10, to the last digit.
_VERBATIM = re.compile(rb'"#([^"#]*)#"')


def handler_of(answer_of: Answer) -> type[BaseHTTPRequestHandler]:
    """A handler that has `answer_of` make the answer from path, headers and body."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers: dict[str, str] = {}
            try:
                status, answer = 200, answer_of(self.path, self.headers, json.loads(raw or b"{}"))
            except Refusal as refusal:
                status, headers, answer = refusal.status, refusal.headers, refusal.as_json()
            self._send(status, {**answer, "request_id": uuid.uuid4().hex[:15]}, headers)

        def _send(self, status: int, answer: dict[str, Any], headers: dict[str, str]) -> None:
            body = _VERBATIM.sub(rb"\1", json.dumps(answer).encode())
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            try:
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                # Whoever asked has gone: killed by a test, or tired of waiting.
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Nothing: tests look at `FakePlaid.requests`."""

    return Handler

"""What fakes that are asked over HTTP have in common: they take requests, and fail as they are told."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.fakes.smtp import Held


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one request gets."""

    status: int
    #: Bytes go out as they are, anything else as JSON.
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    #: The message is taken, and nobody is told.
    hangs_up: bool = False


HANGS_UP = Answer(status=0, hangs_up=True)


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class HttpFake:
    """Listens on a free port of loopback from `start` to `close`."""

    #: Answers of the next messages; each is given once.
    answers: list[Answer] = field(default_factory=list)
    held: Held | None = None
    _server: ThreadingHTTPServer | None = None

    def answer(self, request: Request) -> Answer:
        """What this one gets."""
        raise NotImplementedError

    def start(self) -> Any:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def close(self) -> None:
        if self.held:
            self.held.released.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def hold(self) -> Held:
        """Keep the answer to the next message back; the message is taken by then."""
        self.held = Held()
        return self.held

    def wait_while_held(self) -> None:
        """What a message that was taken does before it is answered."""
        if held := self.held:
            self.held = None
            held.reached.set()
            held.released.wait(60)

    @property
    def url(self) -> str:
        assert self._server
        return f"http://127.0.0.1:{self._server.server_address[1]}"


def _handler_of(fake: HttpFake) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = fake.answer(Request(self.path, headers, body))
            if answer.hangs_up:
                self.close_connection = True
                return
            is_json = not isinstance(answer.body, bytes)
            content = json.dumps(answer.body).encode() if is_json else answer.body
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if is_json:
                self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            """Nothing: a test's output is the test's."""

    return Handler

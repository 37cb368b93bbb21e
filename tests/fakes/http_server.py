"""What fakes that are asked over HTTP have in common: they take requests, and fail as they are told."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.smtp import Held

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


DRIP_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one request gets."""

    status: int
    #: Bytes go out as they are, anything else as JSON.
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    #: The message is taken, and nobody is told.
    hangs_up: bool = False
    #: The body comes byte by byte, for as long as anybody waits for it.
    drips: bool = False


HANGS_UP = Answer(status=0, hangs_up=True)


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"

    @property
    def place(self) -> str:
        """The path without its query."""
        return urlsplit(self.path).path

    @property
    def query(self) -> dict[str, str]:
        """What stands behind the path; of a name that is there twice, the last."""
        return _last(urlsplit(self.path).query)

    @property
    def form(self) -> dict[str, str]:
        return _last(self.body.decode())

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def _last(text: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}


@dataclass
class HttpFake:
    """Listens on loopback from `start` to `close`, on a free port or the one that is given."""

    port: int = 0
    #: Answers of the next messages; each is given once.
    answers: list[Answer] = field(default_factory=list)
    held: Held | None = None
    _server: ThreadingHTTPServer | None = None
    _closed: threading.Event = field(default_factory=threading.Event)

    def answer(self, request: Request) -> Answer:
        """What this one gets."""
        raise NotImplementedError

    def start(self) -> Any:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler_of(self))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def close(self) -> None:
        self._closed.set()
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

    def parts(self, content: bytes) -> Iterator[bytes]:
        """What drips."""
        for place in range(len(content)):
            if self._closed.wait(DRIP_SECONDS):
                return
            yield content[place : place + 1]

    @property
    def url(self) -> str:
        assert self._server
        return f"http://127.0.0.1:{self._server.server_address[1]}"


@dataclass
class ApiFake(HttpFake):
    """A fake with many paths: `plan` says what the next requests for each meet on their way."""

    requests: list[Request] = field(default_factory=list)
    _plans: dict[str, list[Answer | Callable[[], object] | None]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def true_answer(self, request: Request) -> Answer:
        """What a request gets that nothing happens to; no two at once are made."""
        raise NotImplementedError

    def plan(self, place: str, *steps: Answer | Callable[[], object] | None) -> None:
        """For each of the next requests: another answer, what happens first, or None for nothing."""
        self._plans[place] += steps

    def count(self, place: str) -> int:
        """How often a path was asked for."""
        return sum(request.place == place for request in self.requests)

    def answer(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            steps = self._plans[request.place]
            step = steps.pop(0) if steps else None
        if isinstance(step, Answer):
            return step
        if step is not None:
            step()
        with self._lock:
            return self.true_answer(request)


def _handler_of(fake: HttpFake) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = fake.answer(Request(self.path, headers, body, self.command))
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
            for part in fake.parts(content) if answer.drips else [content]:
                try:
                    self.wfile.write(part)
                except OSError:
                    return  # Whoever asked is tired of waiting.

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *arguments: Any) -> None:
            """Nothing: a test's output is the test's."""

    return Handler

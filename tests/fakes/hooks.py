"""Slack's incoming webhooks, and a receiver of signed ones: take messages, and fail as they are told."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.fakes.smtp import Held

#: Source: Slack, sending messages using incoming webhooks.
SLACK_PATH = "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
SLACK_MOST = 40_000
HOOK_PATH = "/hooks/alerts-3f9a"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one request gets instead of a yes."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    #: The message is taken, and nobody is told.
    hangs_up: bool = False


HANGS_UP = Answer(status=0, hangs_up=True)


def busy(*, retry_after: str) -> Answer:
    """Slack's answer to too many."""
    return Answer(status=429, body=b"rate_limited", headers={"Retry-After": retry_after})


@dataclass(frozen=True)
class Taken:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class HookServer:
    """Listens on a free port of loopback from `start` to `close`."""

    taken: list[Taken] = field(default_factory=list)
    #: Answers of the next requests; each is given once.
    answers: list[Answer] = field(default_factory=list)
    held: Held | None = None
    _server: ThreadingHTTPServer | None = None

    def start(self) -> HookServer:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def close(self) -> None:
        if self.held:
            self.held.released.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def hold(self) -> Held:
        """Keep the answer to the next request back; the message is taken by then."""
        self.held = Held()
        return self.held

    @property
    def url(self) -> str:
        assert self._server
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def slack_url(self) -> str:
        return self.url + SLACK_PATH

    @property
    def hook_url(self) -> str:
        return self.url + HOOK_PATH

    @property
    def texts(self) -> list[str]:
        """What Slack was told."""
        return [one.json["text"] for one in self.taken if one.path == SLACK_PATH]

    def answer(self, request: Taken) -> Answer:
        if self.answers and not self.answers[0].hangs_up:
            return self.answers.pop(0)
        found = self.answers.pop(0) if self.answers else None
        if request.path == SLACK_PATH:
            refused = _slack_problem(request)
            if refused:
                return Answer(status=400, body=refused)
        elif request.path != HOOK_PATH:
            return Answer(status=404, body=b"no_service")
        self.taken.append(request)
        if held := self.held:
            self.held = None
            held.reached.set()
            held.released.wait(60)
        return found or Answer(status=200, body=b"ok")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = fake.answer(Taken(self.path, headers, body))
                if answer.hangs_up:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *arguments: Any) -> None:
                """Nothing: a test's output is the test's."""

        return Handler


def _slack_problem(request: Taken) -> bytes:
    """What Slack has against a message, in its words."""
    if request.headers.get("content-type") != "application/json":
        return b"invalid_payload"
    try:
        text = request.json["text"]
    except (ValueError, LookupError, TypeError):
        return b"invalid_payload"
    if not isinstance(text, str) or not text:
        return b"no_text"
    if len(text) > SLACK_MOST:
        return b"msg_too_long"
    return b""


def mentions(text: str) -> list[str]:
    """Whom and what a text of Slack calls or links to."""
    return re.findall(r"<[^<>]*>", text)

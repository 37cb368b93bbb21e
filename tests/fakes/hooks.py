"""Slack's incoming webhooks, and a receiver of signed ones: take messages, and fail as they are told."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tests.fakes.http_server import Answer, HttpFake, Request

#: Source: Slack, sending messages using incoming webhooks.
SLACK_PATH = "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
SLACK_MOST = 40_000
HOOK_PATH = "/hooks/alerts-3f9a"


def busy(*, retry_after: str) -> Answer:
    """Slack's answer to too many."""
    return Answer(status=429, body=b"rate_limited", headers={"Retry-After": retry_after})


@dataclass
class HookServer(HttpFake):
    """Where alerts go."""

    taken: list[Request] = field(default_factory=list)

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

    def answer(self, request: Request) -> Answer:
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
        self.wait_while_held()
        return found or Answer(status=200, body=b"ok")


def _slack_problem(request: Request) -> bytes:
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

"""Observers see each request and its answer, and change nothing of either."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from app.http.observing import CLIENT_CLOSED_REQUEST, MAX_BODY, Exchange, Observe, observed_by

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import Message, Receive, Scope, Send

    Application = Callable[[Scope, Receive, Send], Awaitable[None]]


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 201, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def fail(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("unforeseen")


async def hang_up(scope: Scope, receive: Receive, send: Send) -> None:
    raise asyncio.CancelledError


async def say_nothing(scope: Scope, receive: Receive, send: Send) -> None:
    return


def ask(application: Application, *, body: bytes = b"", kind: str = "http") -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": kind, "method": "POST", "path": "/x", "state": {}}
    asyncio.run(Observe(application)(scope, receive, send))
    return sent


def test_an_observer_sees_the_body_and_the_status() -> None:
    seen: list[Exchange] = []
    with observed_by(seen.append):
        sent = ask(echo, body=b'{"a": 1}')
    assert [message.get("body") for message in sent] == [None, b'{"a": 1}']
    assert [(one.status, one.body, one.body_size) for one in seen] == [(201, b'{"a": 1}', 8)]
    assert seen[0].seconds >= 0
    assert seen[0].scope["path"] == "/x"


def test_after_its_time_an_observer_sees_nothing() -> None:
    seen: list[Exchange] = []
    with observed_by(seen.append):
        pass
    ask(echo)
    assert seen == []


def test_a_long_body_goes_through_whole_and_is_not_kept() -> None:
    seen: list[Exchange] = []
    body = b"x" * (MAX_BODY + 1)
    with observed_by(seen.append):
        sent = ask(echo, body=body)
    assert sent[1]["body"] == body
    assert (seen[0].body, seen[0].body_size) == (None, MAX_BODY + 1)


@pytest.mark.parametrize(
    ("application", "error", "status"),
    [(fail, RuntimeError, 500), (hang_up, asyncio.CancelledError, CLIENT_CLOSED_REQUEST)],
)
def test_a_request_without_an_answer_is_seen_and_its_error_goes_on(
    application: Application, error: type[BaseException], status: int
) -> None:
    seen: list[Exchange] = []
    with observed_by(seen.append), pytest.raises(error):
        ask(application)
    assert [one.status for one in seen] == [status]


def test_a_request_that_is_left_without_a_word_counts_as_hung_up() -> None:
    seen: list[Exchange] = []
    with observed_by(seen.append):
        ask(say_nothing)
    assert [one.status for one in seen] == [CLIENT_CLOSED_REQUEST]


def test_what_is_no_request_is_not_observed() -> None:
    seen: list[Exchange] = []
    with observed_by(seen.append):
        ask(say_nothing, kind="lifespan")
    assert seen == []


def test_an_observer_that_fails_spoils_no_answer_and_no_other_observer() -> None:
    seen: list[Exchange] = []

    def broken(_exchange: Exchange) -> None:
        raise RuntimeError("the observer is broken")

    with observed_by(broken), observed_by(seen.append):
        sent = ask(echo)
    assert sent[0]["status"] == 201
    assert len(seen) == 1

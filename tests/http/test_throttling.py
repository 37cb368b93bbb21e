"""One caller cannot take the API from the others, and is told when to come again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from app.http.throttling import Throttle
from app.tokens.callers import STRANGER, Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Message, Receive, Scope, Send


class Waiting:
    """An application that answers when it is told to."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.inside = 0
        self.content_type = b"application/json"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.inside += 1
        start = {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", self.content_type)],
        }
        if self.content_type == b"text/event-stream":
            await send(start)
        await self.go.wait()
        if self.content_type != b"text/event-stream":
            await send(start)
        await send({"type": "http.response.body"})


class Answers(list[int]):
    """The statuses of the answers so far."""

    headers: dict[bytes, bytes]


def caller(name: str) -> Caller:
    return Caller(token_id=name, name=name, scopes=frozenset({"*"}), expires_at=None)


async def ask(
    throttle: Throttle,
    who: str | Caller | None,
    answers: Answers,
    path: str = "/api/v1/jobs",
    address: str = "192.0.2.9",
) -> None:
    async def receive() -> Any:
        raise AssertionError("a request that is refused is not read")

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answers.append(message["status"])
            answers.headers = dict(message["headers"])

    state = {"caller": caller(who) if isinstance(who, str) else who} if who else {}
    scope = {"type": "http", "path": path, "headers": [], "state": state, "client": (address, 1)}
    await throttle(scope, receive, send)


async def started(throttle: Throttle, who: str, answers: Answers) -> asyncio.Task[None]:
    task = asyncio.create_task(ask(throttle, who, answers))
    await asyncio.sleep(0)
    return task


@pytest.fixture(autouse=True)
def settings(configure: Callable[..., None]) -> None:
    configure(api_in_flight=4, api_token_per_second=1_000)


def test_a_caller_has_half_of_the_places_and_all_together_have_the_rest() -> None:
    asyncio.run(fill_the_places())


async def fill_the_places() -> None:
    app, answers = Waiting(), Answers()
    throttle = Throttle(app)
    tasks = [await started(throttle, who, answers) for who in ("ada", "ada", "bob")]
    await ask(throttle, "ada", answers)
    assert (answers, answers.headers[b"retry-after"]) == ([429], b"1")
    tasks.append(await started(throttle, "bob", answers))
    await ask(throttle, "cleo", answers)
    assert (answers, answers.headers[b"retry-after"]) == ([429, 503], b"5")
    assert app.inside == 4
    app.go.set()
    await asyncio.gather(*tasks)
    await ask(throttle, "ada", answers)
    assert answers == [429, 503, 200, 200, 200, 200, 200]


def test_probes_are_answered_whatever_is_going_on() -> None:
    async def check() -> None:
        app, answers = Waiting(), Answers()
        throttle = Throttle(app)
        tasks = [await started(throttle, who, answers) for who in ("ada", "ada", "bob", "bob")]
        app.go.set()
        await ask(throttle, "cleo", answers, "/readyz")
        assert answers == [200]
        await asyncio.gather(*tasks)

    asyncio.run(check())


def test_who_follows_events_takes_no_place() -> None:
    async def check() -> None:
        app, answers = Waiting(), Answers()
        app.content_type = b"text/event-stream"
        throttle = Throttle(app)
        tasks = [await started(throttle, "ada", answers) for _ in range(10)]
        assert app.inside == 10
        app.go.set()
        await asyncio.gather(*tasks)
        assert answers == [200] * 10

    asyncio.run(check())


def test_a_place_is_free_again_when_the_answer_failed() -> None:
    async def check() -> None:
        async def failing(scope: Scope, receive: Receive, send: Send) -> None:
            raise RuntimeError

        throttle = Throttle(failing)
        for _ in range(10):
            with pytest.raises(RuntimeError):
                await ask(throttle, "ada", Answers())

    asyncio.run(check())


@pytest.mark.parametrize("who", ["ada", None])
def test_a_caller_in_a_hurry_is_slowed_down_and_no_other(
    configure: Callable[..., None], who: str | None
) -> None:
    async def check() -> None:
        app, answers = Waiting(), Answers()
        app.go.set()
        throttle = Throttle(app)
        for _ in range(20):
            await ask(throttle, who, answers)
        assert answers[:5] == [200] * 5
        assert answers.count(429) >= 10
        assert answers.headers[b"retry-after"] == b"1"
        await ask(throttle, "bob", answers)
        assert answers[-1] == 200

    configure(api_token_per_second=5)
    asyncio.run(check())


def test_strangers_are_counted_by_their_addresses(configure: Callable[..., None]) -> None:
    async def check() -> None:
        app, answers = Waiting(), Answers()
        app.go.set()
        throttle = Throttle(app)
        for _ in range(20):
            await ask(throttle, STRANGER, answers, address="192.0.2.1")
        assert answers.count(429) >= 10
        for who, address in ((STRANGER, "192.0.2.2"), ("ada", "192.0.2.1"), (None, "192.0.2.1")):
            await ask(throttle, who, answers, address=address)
            assert answers[-1] == 200

    configure(api_stranger_per_second=1)
    asyncio.run(check())

"""Files that are read slowly, or not at all."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from app.storage import downloads
from app.storage.downloads import Download, TooManyDownloads, refuse_when_full

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

SCOPE = {"type": "http", "asgi": {"spec_version": "2.4"}}


def given(chunks: Iterator[bytes], *, length: int) -> Download:
    return Download(chunks, length=length, status=HTTPStatus.OK, media_type="a/b", headers={})


async def nothing() -> Any:
    await anyio.sleep_forever()


async def never_taken(message: Any) -> None:
    if message["type"] == "http.response.body":
        await anyio.sleep_forever()


async def gone(message: Any) -> None:
    raise OSError("the connection is closed")


@pytest.mark.parametrize("send", [never_taken, gone])
def test_who_does_not_read_is_let_go(
    monkeypatch: pytest.MonkeyPatch, send: Callable[[Any], Awaitable[None]]
) -> None:
    monkeypatch.setattr(downloads, "GRACE", timedelta(milliseconds=50))
    monkeypatch.setattr(downloads, "_open", set())
    answer = given(iter([b"x" * 10]), length=10)

    async def ask() -> None:
        with anyio.fail_after(60):
            await answer(SCOPE, nothing, send)

    anyio.run(ask)
    assert downloads._open == set()


def test_a_part_ends_where_it_was_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bytes] = []

    async def take(message: Any) -> None:
        sent.append(message.get("body", b""))

    def chunks() -> Iterator[bytes]:
        yield b"abc"
        yield b"def"
        raise AssertionError("more was read than was asked for")

    anyio.run(given(chunks(), length=4), SCOPE, nothing, take)
    assert b"".join(sent) == b"abcd"


def test_one_more_than_fits_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_open", {object() for _ in range(downloads.MAX_AT_ONCE - 1)})
    refuse_when_full()
    downloads._open.add(object())
    with pytest.raises(TooManyDownloads, match="in a few seconds"):
        refuse_when_full()

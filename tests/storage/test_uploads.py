"""Files that come over HTTP: as they arrive, whole or not at all, and no slower than is allowed."""

from __future__ import annotations

import hashlib
import tracemalloc
from typing import TYPE_CHECKING, Annotated, Any

import anyio
import httpx
import pytest
from fastapi import Depends, FastAPI, Header, Request
from starlette.middleware import Middleware

from app.http import bodies, problems
from app.http.access import RequestContext
from app.http.bodies import Bodies, allow_upload
from app.storage import uploads
from app.storage.errors import NoSuchFile
from app.storage.local import DRAFTS
from app.storage.stores import store
from app.storage.uploads import upload
from app.tokens.callers import Caller, require
from app.tokens.owners import BY_SCOPE
from app.tokens.scope import declare_scope

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send

MIB = 1024 * 1024
LIMIT = 200 * MIB
SMALL = "small"
PATH = "/files/{name}"
WRITE = declare_scope("tests:upload", "Send files.")


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, folder: Path) -> FastAPI:
    """An application with a route that takes files, and the middleware that the API has around it."""
    monkeypatch.setattr(bodies, "_UPLOADS", [])
    monkeypatch.setattr(bodies, "_LIMITS", {})
    monkeypatch.setattr(bodies, "_LIMITS_BY_PATTERN", [])
    allow_upload(PATH.format(name=SMALL), limit=MIB)
    allow_upload(PATH, limit=LIMIT)
    app = FastAPI(middleware=[Middleware(RequestContext), Middleware(_Known), Middleware(Bodies)])
    problems.install(app)

    @app.put(PATH)
    async def take(
        name: str,
        request: Request,
        _caller: Annotated[Caller, Depends(require(WRITE, BY_SCOPE))],
        digest: Annotated[str | None, Header()] = None,
    ) -> dict[str, Any]:
        stored = await upload(request, key=name, limit=LIMIT, sha256=digest)
        return {"size": stored.size, "sha256": stored.sha256}

    return app


class _Known:
    """Lets everybody in with the scopes that a header names."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scopes = {value.decode() for name, value in scope["headers"] if name == b"scopes"}
            scope["state"]["caller"] = Caller(
                token_id="t", name="t", scopes=frozenset(scopes), expires_at=None
            )
        await self.app(scope, receive, send)


def send(api: FastAPI, content: Any, *, key: str = "file", **headers: str) -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(api)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.put(f"/files/{key}", content=content, headers={"scopes": WRITE, **headers})

    return anyio.run(asked)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


async def no_end_of(block: bytes, *, pieces: int) -> AsyncIterator[bytes]:
    for _ in range(pieces):
        yield block


@pytest.mark.parametrize("content", [b"", b"{", b"\x00\xff" * 500_000], ids=["empty", "no JSON", "mib"])
def test_a_file_is_stored_as_it_is(api: FastAPI, folder: Path, content: bytes) -> None:
    digest = hashlib.sha256(content).hexdigest()
    answer = send(api, content, digest=digest)
    assert answer.json() == {"size": len(content), "sha256": digest}
    assert b"".join(store().chunks("file")) == content


def test_200_mib_are_never_in_memory(api: FastAPI, folder: Path) -> None:
    block = bytes(64 * 1024)
    tracemalloc.start()
    try:
        answer = send(api, no_end_of(block, pieces=200 * 16))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.json()["size"] == store().size("file") == 200 * MIB
    assert most < 32 * MIB


def test_who_may_not_is_refused_before_a_byte_is_read(api: FastAPI, folder: Path) -> None:
    async def touched() -> AsyncIterator[bytes]:
        raise AssertionError("it was read")
        yield b""

    answer = send(api, touched(), scopes="tests:other")
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")


def test_more_than_the_route_takes_is_refused_whether_announced_or_not(api: FastAPI, folder: Path) -> None:
    announced = send(api, b"x", key=SMALL, **{"Content-Length": str(MIB + 1)})
    assert (announced.status_code, announced.json()["code"]) == (413, "body_too_large")
    answer = send(api, no_end_of(bytes(MIB // 2), pieces=3), key=SMALL)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert left(folder) == []


@pytest.mark.parametrize(
    ("headers", "key", "status", "code"),
    [
        ({"digest": "0" * 64}, "file", 422, "wrong_digest"),
        ({"digest": "nothing"}, "file", 422, "unusable_digest"),
        ({}, ".hidden", 422, "unusable_key"),
        ({"Content-Encoding": "gzip"}, "file", 415, "encoded_body"),
    ],
)
def test_what_is_wrong_is_said_and_leaves_nothing(
    api: FastAPI, folder: Path, headers: dict[str, str], key: str, status: int, code: str
) -> None:
    answer = send(api, b"content", key=key, **headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert left(folder) == []


class Line:
    """A connection on which a client sends a file, and `ends` in some way after a first piece."""

    def __init__(self, first: bytes, ends: Callable[[], Any]) -> None:
        self._pieces: Iterator[bytes] = iter([first])
        self._ends = ends
        self.sent: list[Any] = []

    async def receive(self) -> Any:
        for piece in self._pieces:
            return {"type": "http.request", "body": piece, "more_body": True}
        return await self._ends()

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    def ask(self, api: FastAPI) -> int:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": "PUT",
            "path": "/files/file",
            "query_string": b"",
            "headers": [(b"scopes", WRITE.encode()), (b"transfer-encoding", b"chunked")],
        }
        anyio.run(api, scope, self.receive, self.send)
        return int(self.sent[0]["status"])


async def hung_up() -> Any:
    return {"type": "http.disconnect"}


async def nothing() -> Any:
    await anyio.sleep_forever()


async def a_byte() -> Any:
    await anyio.sleep(0.05)
    return {"type": "http.request", "body": b"x", "more_body": True}


@pytest.mark.parametrize("ends", [hung_up, nothing, a_byte])
def test_a_client_that_hangs_up_falls_silent_or_trickles_leaves_nothing(
    api: FastAPI,
    folder: Path,
    configure: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    ends: Callable[[], Any],
) -> None:
    configure(api_request_seconds=1)
    monkeypatch.setattr(bodies, "SLOWEST_BYTES_PER_SECOND", 64 * MIB)
    assert Line(bytes(uploads.PIECE), ends).ask(api) == 408
    assert left(folder) == []
    assert list((folder / DRAFTS).iterdir()) == []
    with pytest.raises(NoSuchFile):
        store().found("file")


def test_no_more_files_are_taken_at_once_than_fit(api: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_places", _Taken())
    answer = send(api, b"x")
    assert (answer.status_code, answer.json()["code"]) == (503, "too_many_uploads")
    assert answer.headers["retry-after"]


class _Taken:
    available_tokens = 0

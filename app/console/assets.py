"""The console's own files, with the hash of their content in their names, so that browsers may keep them."""

from __future__ import annotations

import hashlib
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from starlette.responses import PlainTextResponse, Response

from app.console.places import STATIC

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

FOLDER = Path(__file__).parent / "static"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
KEPT = "public, max-age=31536000, immutable"


class Asset(NamedTuple):
    """A file as it is sent."""

    content: bytes
    media_type: str


class Assets:
    """ASGI middleware: answers for the files; whoever asks for a page goes on."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith(STATIC):
            await self.app(scope, receive, send)
            return
        await _answer(scope)(scope, receive, send)


def url_of(name: str) -> str:
    """Where the file called `name` is."""
    return f"{STATIC}{_hashed_names()[name]}"


def _answer(scope: Scope) -> Response:
    if scope["method"] not in ("GET", "HEAD"):
        return PlainTextResponse(status_code=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET, HEAD"})
    found = _assets().get(scope["path"].removeprefix(STATIC))
    if found is None:
        # Never a page: a browser would keep it in the file's place.
        return PlainTextResponse("There is no such file.\n", status_code=HTTPStatus.NOT_FOUND)
    return Response(found.content, media_type=found.media_type, headers={"Cache-Control": KEPT})


@cache
def _assets() -> dict[str, Asset]:
    return {
        _hashed_names()[path.name]: Asset(path.read_bytes(), TYPES[path.suffix]) for path in FOLDER.iterdir()
    }


@cache
def _hashed_names() -> dict[str, str]:
    return {path.name: _hashed_name(path) for path in FOLDER.iterdir()}


def _hashed_name(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return f"{path.stem}.{digest}{path.suffix}"

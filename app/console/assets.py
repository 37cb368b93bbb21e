"""The console's own files, with the hash of their content in their names, so that browsers may keep them.

While a release takes the place of another, on one host or from host to host, a page of the one asks for its
files where the other answers. So those of all releases on the host are served, whichever of them runs.
"""

from __future__ import annotations

import hashlib
import re
import sys
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from app.console.places import STATIC

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Receive, Scope, Send

FOLDER = Path(__file__).parent / "static"
TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
KEPT = "public, max-age=31536000, immutable"
#: Where a release has them, and how the deploy says that it is a whole one.
OF_RELEASE = "venv/lib/python3*/site-packages/app/console/static"
COMPLETE = "release.json"
_HASHED = re.compile(r"([a-z][a-z0-9_-]{0,60})\.[0-9a-f]{12}(\.[a-z]{2,3})")


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
        await (await _answer(scope))(scope, receive, send)


def url_of(name: str) -> str:
    """Where the file called `name` is."""
    return f"{STATIC}{_hashed_names()[name]}"


async def _answer(scope: Scope) -> Response:
    if scope["method"] not in ("GET", "HEAD"):
        return PlainTextResponse(status_code=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "GET, HEAD"})
    asked = scope["path"].removeprefix(STATIC)
    found = _assets().get(asked) or await run_in_threadpool(_of_other_release, asked)
    if found is None:
        # Never a page: a browser would keep it in the file's place.
        return PlainTextResponse("There is no such file.\n", status_code=HTTPStatus.NOT_FOUND)
    return Response(found.content, media_type=found.media_type, headers={"Cache-Control": KEPT})


@cache
def _assets() -> dict[str, Asset]:
    return {_hashed_names()[path.name]: _read(path) for path in FOLDER.iterdir()}


@cache
def _hashed_names() -> dict[str, str]:
    return {path.name: _hashed_name(path.name, path.read_bytes()) for path in FOLDER.iterdir()}


def _of_other_release(asked: str) -> Asset | None:
    """The file with that name and hash of another release on this host."""
    named = _HASHED.fullmatch(asked)
    if named is None or named[2] not in TYPES:
        return None
    for folder in _folders_of_releases():
        try:
            found = _read(folder / f"{named[1]}{named[2]}")
        except OSError:
            # That release has no such file, or is being removed.
            continue
        if _hashed_name(f"{named[1]}{named[2]}", found.content) == asked:
            return found
    return None


def _folders_of_releases() -> Iterator[Path]:
    home = Path(sys.prefix).parent
    # A checkout has no others beside it.
    if (home / COMPLETE).is_file():
        for release in home.parent.glob(f"*/{COMPLETE}"):
            yield from release.parent.glob(OF_RELEASE)


def _read(path: Path) -> Asset:
    return Asset(path.read_bytes(), TYPES[path.suffix])


def _hashed_name(name: str, content: bytes) -> str:
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}{dot}{suffix}"

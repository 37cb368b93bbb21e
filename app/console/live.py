"""Makes pages that stay open cheap: `live.js` asks for each of them anew every second or so.

Those who see the same share a look, and of one that stays open few looks are observed.
"""

from __future__ import annotations

import math
import time
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from app.http.observing import REPEATED
from app.http.raw_headers import header
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from starlette.types import ASGIApp, Receive, Scope, Send

#: What `live.js` asks with. Whoever opens a page, or has just changed something, is shown what is so now.
HEADER = b"groundwork-live"
#: For so long a look is good enough for pages that are open: with the pause of `live.js`, less than 2 s.
LASTS = timedelta(seconds=0.6)
#: Different looks whose outcome is kept.
MAX_LOOKS = 16
#: Of a page that stays open, one look in so long is observed.
OBSERVED_EVERY = timedelta(minutes=10)
MAX_REMEMBERED = 10_000

Found = TypeVar("Found")


class _Look:
    """What was found last. One look is under way at a time, and those who wait for the next share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._began = -math.inf
        self._found: Any = None
        self._error: Exception | None = None

    def found(self, look: Callable[[], Any], *, lasts: timedelta) -> Any:
        """What a look found that began no longer ago than `lasts`."""
        since = time.monotonic() - lasts.total_seconds()
        with self._lock:
            if self._began < since:
                self._began = time.monotonic()
                self._take(look)
            if self._error is not None:
                raise self._error
            return self._found

    def _take(self, look: Callable[[], Any]) -> None:
        # Those who wait share what went wrong, too: none waits in turn for a database that is away.
        try:
            self._found, self._error = look(), None
        except Exception as error:
            self._found, self._error = None, error


_looks: dict[Hashable, _Look] = {}
_lock = Lock()


def shared(scope: Scope, look: Callable[..., Found], **asked: Hashable) -> Found:
    """What `look` finds, asked like that; for a page that is open already, what it just found for another."""
    key = (settings().database, look, tuple(asked.items()))
    with _lock:
        one = _looks.pop(key, None) or _Look()
        _looks[key] = one
        while len(_looks) > MAX_LOOKS:
            del _looks[next(iter(_looks))]
    lasts = LASTS if is_repeated(scope) else timedelta(0)
    found: Found = one.found(lambda: look(**asked), lasts=lasts)
    return found


def is_repeated(scope: Scope) -> bool:
    """Whether a page that is open asks for itself."""
    return scope["method"] == "GET" and header(scope, HEADER) is not None


class Repeats:
    """ASGI middleware: marks what pages that are open ask, unless it has not been observed for long."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._observed: dict[Hashable, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET":
            caller = scope["state"]["caller"]
            # By the session: a header alone must not keep anybody's look from being observed.
            key = (caller.session_id, scope["path"], scope["query_string"])
            if is_repeated(scope) and self._is_observed(key):
                scope["state"][REPEATED] = True
            else:
                self._note(key)
        await self.app(scope, receive, send)

    def _is_observed(self, key: Hashable) -> bool:
        return time.monotonic() - self._observed.get(key, -math.inf) < OBSERVED_EVERY.total_seconds()

    def _note(self, key: Hashable) -> None:
        if len(self._observed) >= MAX_REMEMBERED:
            self._observed.clear()
        self._observed[key] = time.monotonic()

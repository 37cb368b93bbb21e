"""Refuses what changes something unless a page of this very host sent it, as browsers say.

Every browser of today says so in `Sec-Fetch-Site`, over TLS and to this machine; the others, and all where
there is no TLS, in `Origin`. No page can set either.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from app.console import errors
from app.domains.accounts.sessions.cookies import SAFE_METHODS, is_https
from app.errors import GroundworkError
from app.http.bodies import NulInUrl
from app.http.raw_headers import header

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class SentFromElsewhere(GroundworkError):
    """Raised for a form that no page of this console sent; nothing of it was done."""

    status = HTTPStatus.FORBIDDEN
    code = "sent_from_elsewhere"

    def __init__(self) -> None:
        super().__init__(
            "This was not sent by a page of this console, so that nothing was done. Open the page here, and "
            "use its button."
        )


class SentHere:
    """ASGI middleware: lets reading through, and forms of our own pages."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        error: GroundworkError | None = None
        if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
            error = NulInUrl()
        elif not is_sent_here(scope):
            error = SentFromElsewhere()
        app = self.app if error is None else errors.refuse(scope, error)
        await app(scope, receive, send)


def is_sent_here(scope: Scope) -> bool:
    """Whether a request changes nothing, or comes from a page of this host."""
    if scope["method"] in SAFE_METHODS:
        return True
    site = header(scope, b"sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    host = header(scope, b"host")
    scheme = "https" if is_https(scope) else "http"
    return host is not None and header(scope, b"origin") == f"{scheme}://{host}"

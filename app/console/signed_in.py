"""Lets those in who have signed in; everybody else is led to sign in, and then to what they wanted."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse

from app.console import errors
from app.console.places import OPEN, ROOT, sign_in_for
from app.domains.accounts.sessions import cookies
from app.domains.accounts.sessions.credentials import of_browser
from app.errors import Unauthorized
from app.http.access import Authenticate
from app.tokens.callers import STRANGER, MissingToken

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from app.errors import GroundworkError
    from app.http.credentials import Credential


class SignedIn:
    """ASGI middleware: every page but those to sign in needs a session."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._authenticate = Authenticate(app, find=_session_of, refuse=_refuse)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in OPEN:
            scope["state"]["caller"] = STRANGER
            await self._app(scope, receive, send)
            return
        await self._authenticate(scope, receive, send)


def _session_of(scope: Scope) -> Credential:
    """By the cookie alone. `SentHere` has looked at where the request comes from."""
    secret = cookies.secret_in(scope)
    if secret is None:
        raise MissingToken
    return of_browser(secret)


def _refuse(scope: Scope, error: GroundworkError) -> Response:
    if not isinstance(error, Unauthorized):
        return errors.refuse(scope, error)
    query = scope["query_string"].decode("latin-1")
    wanted = f"{scope['path']}?{query}" if query else scope["path"]
    # What was to be changed is not changed by itself once somebody has signed in.
    return RedirectResponse(
        sign_in_for(wanted if scope["method"] == "GET" else ROOT), status_code=HTTPStatus.SEE_OTHER
    )

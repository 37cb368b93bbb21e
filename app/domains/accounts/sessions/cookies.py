"""The session cookie of browsers, and the token that a page must show beside it to change anything.

A foreign page can have a browser send the cookie, but neither read the token nor set a header with it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from app.db.encryption import signing_keys
from app.http.client_addresses import is_loopback
from app.http.credentials import CsrfRefused

if TYPE_CHECKING:
    from fastapi import Response
    from starlette.types import Scope

PURPOSE = "CSRF tokens"
CSRF_HEADER = "X-CSRF-Token"
#: A browser takes this name over HTTPS alone, for the whole host, and from no other host of the domain.
NAME = "__Host-groundwork_session"
#: Without TLS, as in a trial on one machine, it would not be taken.
PLAIN_NAME = "groundwork_session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FORM = re.compile(r"gws_[A-Za-z0-9_-]{43}")


def secret_in(scope: Scope) -> str | None:
    """The secret in the session cookie of a request, if there is one that could be ours."""
    cookies = SimpleCookie()
    try:
        cookies.load(Headers(scope=scope).get("cookie", ""))
    except CookieError:
        return None
    found = cookies.get(_name(scope))
    return found.value if found and _FORM.fullmatch(found.value) else None


def put(response: Response, scope: Scope, *, secret: str) -> None:
    """Have the browser keep `secret` until it is closed, or the session ends."""
    response.set_cookie(_name(scope), secret, path="/", secure=is_https(scope), httponly=True, samesite="lax")


def remove(response: Response, scope: Scope) -> None:
    """Have the browser forget the secret."""
    response.delete_cookie(_name(scope), path="/", secure=is_https(scope), httponly=True, samesite="lax")


def csrf_token(secret: str) -> str:
    """What a page shows beside the cookie with `secret`."""
    return _csrf_tokens(secret)[0]


def refuse_forged(scope: Scope, *, secret: str) -> None:
    """Raise `CsrfRefused` unless a request changes nothing, or shows that a page of ours sent it."""
    if scope["method"] in SAFE_METHODS:
        return
    shown = Headers(scope=scope).get(CSRF_HEADER, "").encode("latin-1")
    if not any(hmac.compare_digest(shown, good.encode()) for good in _csrf_tokens(secret)):
        raise CsrfRefused(header=CSRF_HEADER)


def _csrf_tokens(secret: str) -> list[str]:
    return [hmac.new(key, secret.encode(), hashlib.sha256).hexdigest() for key in signing_keys(PURPOSE)]


def _name(scope: Scope) -> str:
    return NAME if is_https(scope) else PLAIN_NAME


def is_https(scope: Scope) -> bool:
    """Whether the browser spoke to this host over TLS."""
    if scope["scheme"] == "https":
        return True
    # The proxy on this host ends TLS, and says so.
    return is_loopback(scope) and Headers(scope=scope).get("x-forwarded-proto") == "https"

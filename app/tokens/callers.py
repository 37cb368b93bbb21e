"""Callers of the API: what one may do, how a route asks for it, how one is refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import Request  # noqa: TC002 (FastAPI reads the annotation of the dependency)

from app.errors import GroundworkError, Unauthorized
from app.tokens.scope import EVERYTHING, checked_scope

if TYPE_CHECKING:
    from collections.abc import Callable

_VERIFIED_BY_ROUTE: dict[str, str] = {}
_OPEN_TO_STRANGERS: set[str] = set()


class MissingToken(Unauthorized):
    """Raised when a request carries no token."""

    code = "missing_token"

    def __init__(self) -> None:
        super().__init__("This needs an API token: send the header Authorization: Bearer gw_...")


class InvalidToken(Unauthorized):
    """Raised alike for a malformed, an unknown and a revoked token."""

    code = "invalid_token"

    def __init__(self) -> None:
        super().__init__("The API token is not known. Ask for a new one.")


class ExpiredToken(Unauthorized):
    """Raised to the holder of a token that has ended."""

    code = "expired_token"

    def __init__(self, *, at: datetime) -> None:
        super().__init__(f"The API token expired at {at.isoformat()}. Ask for a new one.")


class MissingScope(GroundworkError):
    """Raised when a token is good, but not for this."""

    status = HTTPStatus.FORBIDDEN
    code = "missing_scope"

    def __init__(self, *, scope: str) -> None:
        super().__init__(f"This needs a token with the scope {scope}.")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who makes a request, as its token or its session says."""

    token_id: str
    name: str
    scopes: frozenset[str]
    expires_at: datetime | None
    #: Of a person who signed in; an API token has neither.
    user_id: int | None = None
    session_id: str | None = None

    def may(self, scope: str) -> bool:
        """Whether `scope` is granted."""
        return scope in self.scopes or EVERYTHING in self.scopes

    def refuse_expired(self) -> None:
        """Raise `ExpiredToken` when the token has ended."""
        if self.expires_at is not None and self.expires_at <= datetime.now(UTC):
            raise ExpiredToken(at=self.expires_at)


#: Who asks a route that is open to all.
STRANGER = Caller(token_id="", name="stranger", scopes=frozenset(), expires_at=None)


def open_to_strangers(path: str) -> None:
    """Let requests to exactly `path` in without a token; call it beside the route.

    For what callers need to get one: the route itself must bound what a stranger can have it do.
    """
    _OPEN_TO_STRANGERS.add(path)


def is_open_to_strangers(path: str) -> bool:
    """Whether the route at `path` asks for no token."""
    return path in _OPEN_TO_STRANGERS


def paths_open_to_strangers() -> frozenset[str]:
    """Each path whose route asks for no token."""
    return frozenset(_OPEN_TO_STRANGERS)


def verified_by_route(path: str, *, header: str) -> None:
    """Let requests to exactly `path` that carry `header` in without a token; call it beside the route.

    For callers that have none, such as another service's webhooks: the route itself must check `header`,
    and refuse with `Unauthorized`.
    """
    _VERIFIED_BY_ROUTE[path] = header


def header_verified_at(path: str) -> str | None:
    """The header that the route at `path` checks in place of a token."""
    return _VERIFIED_BY_ROUTE.get(path)


def headers_by_path() -> dict[str, str]:
    """Each path whose route checks a header in place of a token, and that header."""
    return dict(_VERIFIED_BY_ROUTE)


def require(scope: str) -> Callable[[Request], Caller]:
    """A FastAPI dependency: the caller, refused with 403 unless the token has `scope`."""
    checked_scope(scope)

    def caller(request: Request) -> Caller:
        found: Caller = request.state.caller
        if not found.may(scope):
            raise MissingScope(scope=scope)
        return found

    # For the API's description and the test that walks all routes.
    caller.scope = scope  # type: ignore[attr-defined]
    return caller

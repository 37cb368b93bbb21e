"""Paths that are open without an API token: routes say so beside themselves, and the API lets requests in."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.tokens.callers import STRANGER, MissingToken
from app.tokens.scope import checked_scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.tokens.callers import Caller

_VERIFIED_BY_ROUTE: dict[str, str] = {}
_OPEN_TO_STRANGERS: set[str] = set()
_OPEN_WITHOUT_TOKEN: dict[str, tuple[str, Callable[[], bool]]] = {}


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


def open_without_token(path: str, *, scope: str, when: Callable[[], bool]) -> None:
    """Let requests to exactly `path` in that show no credential, as if they had `scope`, while `when()`.

    Call it beside the route, which must bound what a stranger can have it do, as at `open_to_strangers`.
    """
    _OPEN_WITHOUT_TOKEN[path] = checked_scope(scope), when


def caller_without_token(path: str) -> Caller:
    """Who asks without showing a credential. Raises `MissingToken` where that is not open to all."""
    scope, when = _OPEN_WITHOUT_TOKEN.get(path, ("", lambda: False))
    if not when():
        raise MissingToken
    return replace(STRANGER, scopes=frozenset({scope}))


def paths_open_without_token() -> frozenset[str]:
    """Each path whose route asks for no token, if the settings say so."""
    return frozenset(_OPEN_WITHOUT_TOKEN)


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

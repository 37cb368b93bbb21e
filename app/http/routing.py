"""What the routes of the API ask for, known before anything that was sent is read or looked at."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.routing import iter_route_contexts

from app.errors import GroundworkError
from app.tokens.callers import refuse_unscoped as refuse_caller

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from fastapi import FastAPI
    from starlette.types import Scope

    from app.tokens.owners import Owner


class MethodNotAllowed(GroundworkError):
    """Raised when a path is known, but not with this method."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    code = "method_not_allowed"

    def __init__(self, *, path: str, method: str, allowed: list[str]) -> None:
        self.allow = ", ".join(allowed)
        super().__init__(f"{path} does not support {method}; it supports {self.allow}.")


@dataclass(frozen=True, kw_only=True)
class Door:
    """A route as far as it can be told before it is entered; it asks again itself."""

    path: str
    title: str
    pattern: re.Pattern[str]
    methods: frozenset[str]
    #: The scopes that it asks for, each with whose data it is about.
    asks: tuple[tuple[str, Owner], ...]


def refuse_method(scope: Scope) -> None:
    """Raise `MethodNotAllowed` at a route's own path, such as /jobs/batch, which is no /jobs/{job_id}."""
    path, method = scope["path"], scope["method"]
    own = [door.methods for door in doors(scope["app"]) if door.path == path]
    if own and not any(method in methods for methods in own):
        raise MethodNotAllowed(path=path, method=method, allowed=methods_at(scope))


def refuse_unscoped(scope: Scope) -> None:
    """Raise `MissingScope` for a caller who may not even ask what the route of this request is for."""
    door = door_at(scope["app"], path=scope["path"], method=scope["method"])
    for asked, owner in door.asks if door else ():
        refuse_caller(scope["state"]["caller"], scope=asked, owner=owner)


def door_at(app: FastAPI, *, path: str, method: str) -> Door | None:
    """The route that a request leads to."""
    leading = (door for door in doors(app) if door.pattern.match(path))
    return next((door for door in leading if method in door.methods), None)


def methods_at(scope: Scope) -> list[str]:
    """The methods that the path of this request knows."""
    path, known = scope["path"], doors(scope["app"])
    leading = [door for door in known if door.path == path] or [
        door for door in known if door.pattern.match(path)
    ]
    return sorted(frozenset().union(*(door.methods for door in leading)))


def doors(app: FastAPI) -> list[Door]:
    """All routes of the application."""
    known: list[Door] | None = getattr(app.state, "doors", None)
    if known is None or app.state.doors_of != len(app.routes):
        app.state.doors_of = len(app.routes)
        known = app.state.doors = [_door(route) for route in iter_route_contexts(app.routes)]
    return known


def _door(route: Any) -> Door:
    return Door(
        path=route.path,
        title=getattr(route, "summary", None) or route.name.replace("_", " ").title(),
        pattern=route.path_regex,
        methods=frozenset(route.methods or ()),
        asks=tuple(asks_of(getattr(route, "dependant", None))),
    )


def asks_of(dependant: Any) -> Iterator[tuple[str, Owner]]:
    """What `app.tokens.callers.require` was given, wherever in the tree of dependencies."""
    pending = list(dependant.dependencies) if dependant else []
    while pending:
        found = pending.pop()
        pending += found.dependencies
        if asked := getattr(found.call, "scope", None):
            yield asked, found.call.owner

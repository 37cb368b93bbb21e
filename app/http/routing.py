"""What the routes of the API ask for, known before anything that was sent is read or looked at."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi.routing import iter_route_contexts

from app.errors import GroundworkError
from app.tokens.callers import refuse_unscoped as refuse_caller

if TYPE_CHECKING:
    import re
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

    from fastapi import FastAPI
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from app.tokens.owners import Owner

    Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
    #: Answers a request that needs no closer look.
    Quick = Callable[[Scope], Awaitable[Response | None]]

#: What is in the state of a request whose route was looked for.
DOOR = "door"
#: What a route's endpoint may have as an attribute: `Quick`, which answers what is plain.
QUICK = "quick"
#: By so many first parts of a path its route is looked for: /api/v1/jobs.
PLACE_PARTS = 3


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
    #: FastAPI's own account of the route.
    route: Any
    quick: Quick | None

    def state_of(self, path: str) -> dict[str, Any] | None:
        """What Starlette's routing notes of a request that leads here; None where that is not known."""
        match = self.pattern.match(path)
        if match is None or getattr(self.route, "dependant", None) is None:
            return None
        converted = {
            name: self.route.param_convertors[name].convert(value)
            for name, value in match.groupdict().items()
        }
        return {"endpoint": self.route.endpoint, "path_params": converted, "route": self.route.original_route}


class Doors:
    """All routes of an application, in their order, and by the place where their paths begin."""

    def __init__(self, doors: Iterable[Door]) -> None:
        self.all = list(doors)
        places = {_place(door.path) for door in self.all}
        anywhere = [door for door in self.all if "{" in "".join(_place(door.path))]
        self._by_place: dict[tuple[str, ...], list[Door]] = {
            place: [door for door in self.all if door in anywhere or _place(door.path) == place]
            for place in places
        }
        self._anywhere = anywhere
        self._own: defaultdict[str, list[Door]] = defaultdict(list)
        for door in self.all:
            self._own[door.path].append(door)

    def leading(self, path: str) -> Iterator[Door]:
        """Those that a path may lead to, in the order in which they are tried."""
        near = self._by_place.get(_place(path), self._anywhere)
        return (door for door in near if door.pattern.match(path))

    def own(self, path: str) -> Sequence[Door]:
        """Those with exactly this path."""
        return self._own.get(path, ())


def _place(path: str) -> tuple[str, ...]:
    return tuple(path.split("/", PLACE_PARTS + 1)[: PLACE_PARTS + 1])


class ShortWay:
    """ASGI application around a router: enters the route that a request leads to at once.

    FastAPI asks all routes one after the other, and those of the right package twice, which with a few
    hundred takes longer than most answers. What no door stands for goes its way.
    """

    def __init__(self, router: ASGIApp) -> None:
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        enter = self._router
        # A request that FastAPI traces is told the name of its route by FastAPI's routing.
        if scope["type"] == "http" and "fastapi.telemetry" not in scope:
            door = _door_of(scope)
            if door and door.quick and (answer := await door.quick(scope)):
                await answer(scope, receive, send)
                return
            found = door.state_of(scope["path"]) if door else None
            if door and found:
                scope.update(found)
                enter = door.route.app
        await enter(scope, receive, send)


def shorten_ways(app: FastAPI) -> None:
    """Have requests to `app` enter their routes at once."""
    app.router.middleware_stack = ShortWay(app.router.middleware_stack)


def refuse_method(scope: Scope) -> None:
    """Raise `MethodNotAllowed` at a route's own path, such as /jobs/batch, which is no /jobs/{job_id}."""
    path, method = scope["path"], scope["method"]
    own = doors(scope["app"]).own(path)
    if own and not any(method in door.methods for door in own):
        raise MethodNotAllowed(path=path, method=method, allowed=methods_at(scope))


def refuse_unscoped(scope: Scope) -> None:
    """Raise `MissingScope` for a caller who may not even ask what the route of this request is for."""
    door = _door_of(scope)
    for asked, owner in door.asks if door else ():
        refuse_caller(scope["state"]["caller"], scope=asked, owner=owner)


def _door_of(scope: Scope) -> Door | None:
    """The route of a request, looked for once."""
    state = scope["state"]
    if DOOR not in state:
        state[DOOR] = door_at(scope["app"], path=scope["path"], method=scope["method"])
    found: Door | None = state[DOOR]
    return found


def door_at(app: FastAPI, *, path: str, method: str) -> Door | None:
    """The route that a request leads to."""
    return next((door for door in doors(app).leading(path) if method in door.methods), None)


def methods_at(scope: Scope) -> list[str]:
    """The methods that the path of this request knows."""
    path, known = scope["path"], doors(scope["app"])
    leading = known.own(path) or known.leading(path)
    return sorted(frozenset().union(*(door.methods for door in leading)))


def doors(app: FastAPI) -> Doors:
    """All routes of the application."""
    known: Doors | None = getattr(app.state, "doors", None)
    if known is None or app.state.doors_of != len(app.routes):
        app.state.doors_of = len(app.routes)
        known = app.state.doors = Doors(_door(route) for route in iter_route_contexts(app.routes))
    return known


def _door(route: Any) -> Door:
    return Door(
        path=route.path,
        title=getattr(route, "summary", None) or route.name.replace("_", " ").title(),
        pattern=route.path_regex,
        methods=frozenset(route.methods or ()),
        asks=tuple(asks_of(getattr(route, "dependant", None))),
        route=route,
        quick=getattr(route.endpoint, QUICK, None),
    )


def quickly(answer: Quick) -> Callable[[Endpoint], Endpoint]:
    """Have `answer` look at a route's requests first; those that are not plain it leaves to FastAPI by None.

    For the few routes where what FastAPI does around an answer takes longer than the answer. Nothing that the
    route depends on is looked at before, the caller's scopes included.
    """

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, QUICK, answer)
        return endpoint

    return mark


def asks_of(dependant: Any) -> Iterator[tuple[str, Owner]]:
    """What `app.tokens.callers.require` was given, wherever in the tree of dependencies."""
    pending = list(dependant.dependencies) if dependant else []
    while pending:
        found = pending.pop()
        pending += found.dependencies
        if asked := getattr(found.call, "scope", None):
            yield asked, found.call.owner

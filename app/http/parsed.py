"""Routes that take the document of a body as it was parsed on its way, and do not parse it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.routing import APIRoute
from starlette.requests import Request

from app.http.bodies import DOCUMENT

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from starlette.responses import Response


class ParsedRequest(Request):
    """A request whose body was parsed on its way."""

    async def json(self) -> Any:
        """The document; None is one, too."""
        state = self.scope["state"]
        return state[DOCUMENT] if DOCUMENT in state else await super().json()


class ParsedRoute(APIRoute):
    """A route as FastAPI's: give it to a router as its `route_class`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's own, given such a request."""
        answer = super().get_route_handler()

        async def answer_parsed(request: Request) -> Response:
            return await answer(ParsedRequest(request.scope, request.receive))

        return answer_parsed

"""The HTTP API: every domain's routes behind one door."""

from fastapi import FastAPI
from starlette.middleware import Middleware

from app.console.door import Console
from app.health import probes
from app.http import problems
from app.http.access import Authenticate, RequestContext
from app.http.bodies import Bodies
from app.http.observing import Observe
from app.http.openapi import describe_callers
from app.http.routing import shorten_ways
from app.http.throttling import Throttle
from app.jobs.declaration import registry
from app.packages import modules
from app.telemetry.set_up import add_telemetry, of_requests

DESCRIPTION = """
Submit background jobs, follow them, and retry them.

Every request needs a token: `Authorization: Bearer gw_...`. Every error is a problem document (RFC 9457)
with a stable `code` and the `request_id` that the logs carry.
"""


def create_app() -> FastAPI:
    """The application with the routes of every domain. An import error in one of them is raised."""
    app = FastAPI(
        title="Groundwork",
        version="1",
        description=DESCRIPTION,
        openapi_url="/api/v1/openapi.json",
        # Such a page runs somebody else's script in the origin of the API. Any viewer reads the description.
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,
        responses=problems.RESPONSES,
        # In this order: an answer of any of them is observed and has the request's id, and a stranger's body
        # is not read. The token is checked before routing, for every path there may be.
        middleware=[
            Middleware(Observe),
            Middleware(RequestContext),
            *map(Middleware, of_requests()),
            Middleware(Console),
            Middleware(Authenticate),
            Middleware(Throttle),
            Middleware(Bodies),
        ],
    )
    add_telemetry()
    problems.install(app)
    describe_callers(app)
    shorten_ways(app)
    registry.tasks()
    for module in (probes, *modules("api")):
        app.include_router(module.router)
    return app


app = create_app()

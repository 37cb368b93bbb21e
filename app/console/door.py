"""The console's door in the API's process: what is below `/console` is answered with pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from app.console import errors
from app.console.assets import Assets
from app.console.frame import Frame
from app.console.live import Repeats
from app.console.places import ROOT
from app.console.routes import (
    alerts,
    audit,
    deliveries,
    deploys,
    failures,
    overview,
    pauses,
    queues,
    sign_in,
    sign_in_link,
    timeline,
)
from app.console.routes.jobs import acts, bulk, job, lists, matching, selected, views
from app.console.routes.schedules import calendar, changes, shown
from app.console.sent_here import SentHere
from app.console.signed_in import SignedIn
from app.db import outages
from app.errors import GroundworkError
from app.http.throttling import Throttle

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class Console:
    """ASGI middleware: hands the console's requests to an application of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._pages = create_pages()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_page = scope["type"] == "http" and f"{scope['path']}/".startswith(f"{ROOT}/")
        await (self._pages if is_page else self._app)(scope, receive, send)


def create_pages() -> FastAPI:
    """The application with all pages."""
    pages = FastAPI(
        openapi_url=None,
        redirect_slashes=False,
        # In this order: each answer has the headers, and of a stranger no more is read than a form.
        middleware=[
            Middleware(Frame),
            Middleware(Assets),
            Middleware(SentHere),
            Middleware(SignedIn),
            Middleware(Repeats),
            Middleware(Throttle, refuse=errors.refuse),
        ],
    )
    for kind in (GroundworkError, HTTPException, RequestValidationError, *outages.ERRORS):
        pages.add_exception_handler(kind, errors.answer)
    for module in (
        sign_in,
        sign_in_link,
        overview,
        lists,
        job,
        acts,
        selected,
        matching,
        bulk,
        views,
        failures,
        shown,
        calendar,
        changes,
        pauses,
        queues,
        deliveries,
        deploys,
        alerts,
        audit,
        timeline,
    ):
        pages.include_router(module.router)
    return pages

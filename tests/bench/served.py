"""The API with the benchmark's tasks, and beside it a route of FastAPI with nothing around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI

from app import freeze_loaded
from app.api import app as api
from tests.bench import tasks

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

__all__ = ["app", "tasks"]

BARE_PATH = "/bare"
bare = FastAPI()


@bare.get(BARE_PATH)
async def nothing() -> dict[str, str]:
    """What `/livez` answers."""
    return {"status": "ok"}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Both, under one server."""
    chosen = bare if scope.get("path") == BARE_PATH else api
    await chosen(scope, receive, send)


# As `app.http.gunicorn_settings` does for the API that is shipped.
freeze_loaded()

"""Probes: whether the process lives, and whether all that it needs answers."""

from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache

import anyio
import structlog
from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app.db.migrations import revisions
from app.db.sessions import reading
from app.http.problems import RETRY_AFTER_SECONDS, respond
from app.jobs.broker.current import broker

log = structlog.get_logger(__name__)

CHECK_TIMEOUT = timedelta(seconds=2)
#: Checks that hang keep their place, so that a dead database cannot use up the threads of the requests.
MAX_CHECKS_RUNNING = 6

router = APIRouter(tags=["health"])


@router.get("/livez")
async def livez() -> dict[str, str]:
    """Answers while the process can answer at all."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """Answers 200 with the database, its migrations and the broker in order, else 503 naming what is not."""
    found: dict[str, str] = {}
    places = _places()

    async def run(name: str, check: Callable[[], str]) -> None:
        found[name] = f"no answer within {CHECK_TIMEOUT.total_seconds():g} s"
        with anyio.move_on_after(CHECK_TIMEOUT.total_seconds()):
            found[name] = await to_thread.run_sync(check, abandon_on_cancel=True, limiter=places)

    async with anyio.create_task_group() as checks:
        checks.start_soon(run, "database", _database)
        checks.start_soon(run, "migrations", _migrations)
        checks.start_soon(run, broker().kind, _broker)
    down = sorted(name for name, state in found.items() if state != "ok")
    if not down:
        return JSONResponse({"status": "ready", "checks": found})
    log.warning("not_ready", **found)
    return respond(
        request.scope,
        status=503,
        code="not_ready",
        detail="Not ready: " + ", ".join(f"{name} ({found[name]})" for name in down) + ".",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        checks=found,
    )


@lru_cache(maxsize=1)
def _places() -> anyio.CapacityLimiter:
    return anyio.CapacityLimiter(MAX_CHECKS_RUNNING)


def _migrations() -> str:
    """Whether the database is at this release's revision."""
    try:
        current = revisions.current_revision()
    except SQLAlchemyError:
        return "not known without the database"
    if current != _newest():
        return f"at revision {current}, this release needs {_newest()}: run groundwork migrate"
    return "ok"


@lru_cache(maxsize=1)
def _newest() -> str:
    return revisions.newest_revision()


def _database() -> str:
    try:
        with reading() as session:
            session.execute(select(1))
    except SQLAlchemyError:
        return "no connection"
    return "ok"


def _broker() -> str:
    try:
        broker().ping()
    except broker().failures:
        return "no connection"
    return "ok"

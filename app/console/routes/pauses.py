"""Pausing and resuming queues."""

from datetime import datetime
from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from app.console import acts
from app.console.forms import form_of, time_in
from app.console.places import PAUSE, QUEUES, RESUME
from app.console.queues import described
from app.console.routes.callers import Writer
from app.db.sessions import transaction
from app.jobs.celery.control import tell_of_pauses
from app.jobs.pauses import service
from app.tokens.callers import Caller

router = APIRouter()


@router.post(PAUSE)
async def pause(request: Request, caller: Writer) -> Response:
    """Have no more jobs of a queue begin."""
    form = await form_of(request)
    until = time_in(form) if form.get("until") else None
    await run_in_threadpool(_pause, form.get("queue", ""), until, acts.reason_of(form), caller=caller)
    return _back()


@router.post(RESUME)
async def resume(request: Request, caller: Writer) -> Response:
    """Have its jobs begin again, if it is paused as the page has shown it."""
    form = await form_of(request)
    since = time_in(form, "since")
    await run_in_threadpool(_resume, form.get("queue", ""), since, caller=caller)
    return _back()


def _pause(name: str, until: datetime | None, reason: str, *, caller: Caller) -> None:
    with transaction() as session:
        before = described(service.find(session, service.queue_named(name).value))
        if service.pause(session, name, reason=reason, until=until, by=caller.name):
            after = described(service.find(session, name))
            path = f"queues/{name}/pause"
            acts.note(session, caller, title="Pause a queue", path=path, before=before, after=after)


def _resume(name: str, since: datetime, *, caller: Caller) -> None:
    with transaction() as session:
        before = described(service.find(session, service.queue_named(name).value))
        if service.resume(session, name, since=since, by=caller.name):
            path = f"queues/{name}/resume"
            acts.note(session, caller, title="Resume a queue", path=path, before=before, after=None)


def _back() -> Response:
    # The broker may take its time, and workers hear of it by their heartbeats, too.
    told = BackgroundTask(tell_of_pauses)
    return RedirectResponse(QUEUES, status_code=HTTPStatus.SEE_OTHER, background=told)

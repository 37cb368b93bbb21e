"""The pages of schedules: how each is, what came of it, what it will do; pause, resume, run now."""

from __future__ import annotations

import re
import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from app.console.acts import note
from app.console.forms import form_of, once_in
from app.console.live import shared
from app.console.pages import page
from app.console.places import SCHEDULES, schedule_at
from app.console.schedules import looks
from app.db.sessions import transaction
from app.jobs.scopes import READ
from app.jobs.web import permissions
from app.schedule import service
from app.schedule.fire import fire_once
from app.schedule.scopes import WRITE
from app.tokens.callers import Caller, require
from app.tokens.owners import OPERATED
from app.values.field_errors import FieldError, InvalidFields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

router = APIRouter()
Reader = Annotated[Caller, Depends(require(READ, OPERATED))]
Writer = Annotated[Caller, Depends(require(WRITE, OPERATED))]
Name = Annotated[str, Path(max_length=200)]
Part = Annotated[str, Query(max_length=200)]
_VERSION = re.compile(r"\d{1,9}", re.ASCII)


@router.get(SCHEDULES)
def list_schedules(request: Request, _: Reader, q: Part = "", after: Part = "") -> Response:
    """All schedules."""
    found = shared(request.scope, looks.look, containing=q, after=after)
    return page(request.scope, "schedules/list.html.j2", found=found, q=q)


@router.get(f"{SCHEDULES}/{{name}}")
def show_schedule(request: Request, name: Name, caller: Reader) -> Response:
    """One schedule."""
    found = looks.look_at(name, caller=caller)
    task = found.view.task
    may = caller.may(WRITE) and permissions.missing_scope(task, caller=caller) is None
    return page(
        request.scope,
        "schedules/schedule.html.j2",
        found=found,
        may=may,
        once=secrets.token_hex(16),
        overlaps=looks.OVERLAPS,
        misfires=looks.MISFIRES,
    )


@router.post(f"{SCHEDULES}/{{name}}/pause")
async def pause_schedule(request: Request, name: Name, caller: Writer) -> Response:
    """Fire it no more until somebody resumes it."""
    version = version_in(await form_of(request))
    await run_in_threadpool(_set_enabled, name, enabled=False, version=version, caller=caller)
    return back_to(name)


@router.post(f"{SCHEDULES}/{{name}}/resume")
async def resume_schedule(request: Request, name: Name, caller: Writer) -> Response:
    """Fire it from now on; what came meanwhile is passed over."""
    version = version_in(await form_of(request))
    await run_in_threadpool(_set_enabled, name, enabled=True, version=version, caller=caller)
    return back_to(name)


@router.post(f"{SCHEDULES}/{{name}}/run")
async def run_schedule(request: Request, name: Name, caller: Writer) -> Response:
    """Accept a job of it now, once for each time that the page was shown."""
    once = once_in(await form_of(request))
    await run_in_threadpool(_run, name, once=once, caller=caller)
    return back_to(name)


def _set_enabled(name: str, *, enabled: bool, version: int, caller: Caller) -> None:
    act, before, after = ("resume", "paused", "enabled") if enabled else ("pause", "enabled", "paused")
    with transaction() as session:
        _require(session, name, caller=caller)
        if service.set_enabled(session, name, enabled=enabled, version=version):
            path = f"{schedule_at(name)}/{act}"
            note(session, caller, title=f"{act.title()} a schedule", path=path, before=before, after=after)


def _run(name: str, *, once: str, caller: Caller) -> None:
    with transaction() as session:
        _require(session, name, caller=caller)
        fired = fire_once(session, service.find(session, name), key=once)
        if fired.created:
            path = f"{schedule_at(name)}/run"
            note(session, caller, title="Run a schedule now", path=path, job_id=fired.id)


def _require(session: Session, name: str, *, caller: Caller) -> None:
    permissions.require_tasks({service.find(session, name).task}, caller=caller)


def version_in(form: Mapping[str, str]) -> int:
    """Which version of the schedule the page showed. Raises `InvalidFields`."""
    given = form.get("version", "")
    if not _VERSION.fullmatch(given):
        detail = "This is not the form of the page; open it anew. Nothing was done"
        raise InvalidFields([FieldError(detail=detail, parameter="version")])
    return int(given)


def back_to(name: str) -> Response:
    """To the page of the schedule."""
    return RedirectResponse(schedule_at(name), status_code=HTTPStatus.SEE_OTHER)

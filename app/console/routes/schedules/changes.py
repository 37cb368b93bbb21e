"""Edits of a schedule: a form, its next moments before anything is saved, and the way back to its default."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from app.console.acts import reason_of
from app.console.forms import form_of
from app.console.pages import page
from app.console.places import SCHEDULES
from app.console.routes.schedules.shown import Name, Writer, back_to, version_in
from app.console.schedules import editing
from app.console.schedules.looks import MISFIRES, OVERLAPS, when
from app.errors import GroundworkError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.schedule.web.editing import Preview

router = APIRouter()
AT = f"{SCHEDULES}/{{name}}"


@router.get(f"{AT}/edit")
def edit_schedule(request: Request, name: Name, caller: Writer) -> Response:
    """The schedule as it is, to be edited."""
    seen = editing.look(name, caller=caller)
    return _form(request, name, fields=seen.fields, version=seen.entry.version)


@router.post(f"{AT}/edit")
async def preview_schedule(request: Request, name: Name, caller: Writer) -> Response:
    """What would become of it; nothing is changed."""
    form = await form_of(request)
    version, fields = version_in(form), _fields_in(form)
    try:
        found = await run_in_threadpool(editing.preview, name, form, caller=caller)
    except GroundworkError as error:
        return _form(request, name, fields=fields, version=version, sentence=_sentence_of(request, error))
    return _form(request, name, fields=fields, version=version, preview=found)


@router.post(f"{AT}/change")
async def change_schedule(request: Request, name: Name, caller: Writer) -> Response:
    """Save what was shown, once, if the schedule is as it was then."""
    form = await form_of(request)
    version, fields, found = version_in(form), _fields_in(form), None
    try:
        found = await run_in_threadpool(editing.preview, name, form, caller=caller)
        reason = reason_of(form)
        await run_in_threadpool(editing.save, name, form, version=version, reason=reason, caller=caller)
    except GroundworkError as error:
        shown = {"sentence": _sentence_of(request, error), "reason": form.get("reason", "")}
        return _form(request, name, fields=fields, version=version, preview=found, **shown)
    return back_to(name)


@router.post(f"{AT}/reset")
async def reset_schedule(request: Request, name: Name, caller: Writer) -> Response:
    """Take its edits back, once, if the schedule is as it was shown."""
    form = await form_of(request)
    version, reason = version_in(form), reason_of(form)
    await run_in_threadpool(editing.take_back, name, version=version, reason=reason, caller=caller)
    return back_to(name)


def _fields_in(form: Mapping[str, str]) -> dict[str, str]:
    return {name: form.get(name, "") for name in editing.FIELDS}


def _sentence_of(request: Request, error: GroundworkError) -> str:
    """What is wrong with the fields of the form, to be shown beside them. Raises any other error anew."""
    if error.status is not HTTPStatus.UNPROCESSABLE_ENTITY:
        raise error
    request.state.problem_code = error.code  # for whoever observes the request
    return str(error)


def _form(
    request: Request,
    name: str,
    *,
    fields: Mapping[str, str],
    version: int,
    sentence: str | None = None,
    preview: Preview | None = None,
    reason: str = "",
) -> Response:
    return page(
        request.scope,
        "schedules/edit.html.j2",
        status=HTTPStatus.OK if sentence is None else HTTPStatus.UNPROCESSABLE_ENTITY,
        name=name,
        fields=fields,
        version=version,
        sentence=sentence,
        preview=preview,
        reason=reason,
        many=editing.MANY,
        overlaps=OVERLAPS,
        misfires=MISFIRES,
        on_its_clock=editing.on_its_clock,
        when=when,
    )

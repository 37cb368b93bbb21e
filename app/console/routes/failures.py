"""The page of errors: what failed, grouped by task and error; what is to be done to the dead of a group."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from app.console.forms import form_of
from app.console.jobs import failing
from app.console.jobs.all_of_them import keep
from app.console.live import shared
from app.console.pages import page, streamed
from app.console.places import ERRORS, bulk_at
from app.console.routes.callers import Reader, Retrier, Writer
from app.jobs.chosen import Act
from app.tokens.callers import Caller
from app.values.field_errors import FieldError, InvalidFields

router = APIRouter()
#: Spans to choose from, in hours.
SPANS = {1: "1 hour", 24: "1 day", 168: "7 days"}
Hours = Annotated[int, Query(ge=1, le=max(SPANS))]
Task = Annotated[str, Query(max_length=200)]
_HOURS: TypeAdapter[int] = TypeAdapter(Hours)
WORDS = {Act.RETRY: "Run again", Act.DISCARD: "Discard"}


@router.get(ERRORS)
def show_errors(
    request: Request,
    caller: Reader,
    hours: Hours = 24,
    task: Task = "",
) -> Response:
    """What failed in the last hours."""
    readable = failing.readable(caller)
    found = shared(request.scope, failing.look, hours=hours, task=task, readable=readable)
    acts = {act: words for act, words in WORDS.items() if caller.may(act.scope)}
    return page(
        request.scope, "failures.html.j2", found=found, spans=SPANS, hours=hours, task=task, acts=acts
    )


@router.get(f"{ERRORS}/evidence.json")
def download_evidence(
    caller: Reader, fingerprint: Annotated[str, Query(max_length=200)], hours: Hours = 24
) -> Response:
    """Everything about the jobs of a group as one file to hand on, masked."""
    parts = failing.evidence_of_group(fingerprint, span=timedelta(hours=hours), caller=caller)
    return streamed(parts, name="errors.json")


@router.post(f"{ERRORS}/{Act.RETRY}")
async def choose_to_retry(request: Request, caller: Retrier) -> Response:
    """Choose the dead jobs of a group that are to run again."""
    return await _choose(request, Act.RETRY, caller=caller)


@router.post(f"{ERRORS}/{Act.DISCARD}")
async def choose_to_discard(request: Request, caller: Writer) -> Response:
    """Choose the dead jobs of a group that nobody waits for any more."""
    return await _choose(request, Act.DISCARD, caller=caller)


async def _choose(request: Request, act: Act, *, caller: Caller) -> Response:
    form = await form_of(request)
    try:
        hours = _HOURS.validate_python(form.get("hours", ""))
    except ValidationError:
        detail = f"give a whole number from 1 to {max(SPANS)}"
        raise InvalidFields([FieldError(detail=detail, parameter="hours")]) from None
    act_id = await run_in_threadpool(_kept, act, form.get("fingerprint", ""), hours=hours, caller=caller)
    return RedirectResponse(bulk_at(act_id), status_code=HTTPStatus.SEE_OTHER)


def _kept(act: Act, fingerprint: str, *, hours: int, caller: Caller) -> int:
    group, jobs = failing.dead_of(act, fingerprint, span=timedelta(hours=hours), caller=caller)
    by = [("task", group.task), ("error", group.title), ("hours", str(hours))]
    place = f"{ERRORS}?{urlencode({'hours': hours, 'task': group.task})}"
    return keep(jobs, act, by=by, place=place, caller=caller)

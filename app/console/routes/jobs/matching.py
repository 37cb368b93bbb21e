"""Chooses all jobs that a list has, for one of three things; what is chosen is shown before it is begun."""

from http import HTTPStatus
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from app.console.forms import form_of
from app.console.jobs import all_of_them
from app.console.jobs.asked import Asked, asked
from app.console.places import ALL_JOBS, bulk_at
from app.console.routes.callers import Retrier, Writer
from app.jobs.chosen import Act
from app.tokens.callers import Caller

router = APIRouter()


@router.post(f"{ALL_JOBS}/{Act.RETRY}")
async def choose_to_retry(request: Request, caller: Retrier) -> Response:
    """Choose dead jobs that are to run again."""
    return await _choose(request, Act.RETRY, caller=caller)


@router.post(f"{ALL_JOBS}/{Act.CANCEL}")
async def choose_to_cancel(request: Request, caller: Writer) -> Response:
    """Choose waiting jobs that are to be cancelled."""
    return await _choose(request, Act.CANCEL, caller=caller)


@router.post(f"{ALL_JOBS}/{Act.DISCARD}")
async def choose_to_discard(request: Request, caller: Writer) -> Response:
    """Choose dead jobs that nobody waits for any more."""
    return await _choose(request, Act.DISCARD, caller=caller)


async def _choose(request: Request, act: Act, *, caller: Caller) -> Response:
    wanted = asked(parse_qsl((await form_of(request)).get("filters", "")))
    act_id = await run_in_threadpool(_kept, wanted, act, caller=caller)
    return RedirectResponse(bulk_at(act_id), status_code=HTTPStatus.SEE_OTHER)


def _kept(wanted: Asked, act: Act, *, caller: Caller) -> int:
    jobs = all_of_them.chosen(wanted, act, caller=caller)
    return all_of_them.keep(jobs, act, by=wanted.pairs, place=wanted.first, caller=caller)

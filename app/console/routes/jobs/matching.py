"""What is done to all jobs that a list has: first how many are meant, and then those."""

from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Depends, Request, Response
from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from app.console.acts import reason_of
from app.console.forms import form_of
from app.console.jobs import all_of_them
from app.console.jobs.asked import Asked, asked
from app.console.jobs.changing import Act
from app.console.jobs.errors import NotItsForm
from app.console.pages import page
from app.console.places import ALL_JOBS
from app.jobs.scopes import RETRY, WRITE
from app.jobs.views import Moment
from app.tokens.callers import Caller, require
from app.tokens.owners import OPERATED

router = APIRouter()
Retrier = Annotated[Caller, Depends(require(RETRY, OPERATED))]
Writer = Annotated[Caller, Depends(require(WRITE, OPERATED))]
_MOMENT: TypeAdapter[Moment] = TypeAdapter(Moment)


@router.get(f"{ALL_JOBS}/{Act.RETRY}")
def ask_to_retry(request: Request, caller: Retrier) -> Response:
    """How many dead jobs match."""
    return _ask(request, Act.RETRY, caller=caller)


@router.get(f"{ALL_JOBS}/{Act.CANCEL}")
def ask_to_cancel(request: Request, caller: Writer) -> Response:
    """How many waiting jobs match."""
    return _ask(request, Act.CANCEL, caller=caller)


@router.post(f"{ALL_JOBS}/{Act.RETRY}")
async def retry_all(request: Request, caller: Retrier) -> Response:
    """Run those dead jobs again."""
    return await _do(request, Act.RETRY, caller=caller)


@router.post(f"{ALL_JOBS}/{Act.CANCEL}")
async def cancel_all(request: Request, caller: Writer) -> Response:
    """Cancel those waiting jobs; running ones go on."""
    return await _do(request, Act.CANCEL, caller=caller)


def _ask(request: Request, act: Act, *, caller: Caller) -> Response:
    wanted = asked(request.query_params.multi_items())
    found = all_of_them.matching(wanted, act, caller=caller)
    return _page(request, act, wanted=wanted, found=found)


async def _do(request: Request, act: Act, *, caller: Caller) -> Response:
    form = await form_of(request)
    reason, until = reason_of(form), form.get("until", "")
    wanted = asked(parse_qsl(form.get("filters", "")))
    try:
        moment = _MOMENT.validate_python(until)
    except ValidationError:
        raise NotItsForm from None
    done = await run_in_threadpool(
        all_of_them.change_all, wanted, act, until=moment, reason=reason, caller=caller
    )
    left = await run_in_threadpool(all_of_them.matching, wanted, act, until=moment, caller=caller)
    return _page(request, act, wanted=wanted, found=left, done=done, reason=reason)


def _page(
    request: Request,
    act: Act,
    *,
    wanted: Asked,
    found: all_of_them.Matching,
    done: int | None = None,
    reason: str = "",
) -> Response:
    return page(
        request.scope,
        "jobs/matching.html.j2",
        act=act,
        asked=wanted,
        filters=urlencode(wanted.pairs),
        found=found,
        done=done,
        reason=reason,
        most=all_of_them.MAX_AT_ONCE,
    )

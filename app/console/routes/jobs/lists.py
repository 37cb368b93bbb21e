"""The list of jobs, and the way from an id to its job."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from app.console.jobs import listed
from app.console.jobs.all_of_them import can_be_all
from app.console.jobs.asked import Asked, as_typed, asked, typed
from app.console.pages import page
from app.console.places import JOBS, job_at
from app.console.questions import looking
from app.console.routes.callers import Reader
from app.errors import InvalidInput, NotFound
from app.jobs.chosen import Act
from app.jobs.declaration import registry, search
from app.jobs.ledger.models import State
from app.jobs.lookup import find_id
from app.tokens.callers import Caller
from app.topology import Queue

router = APIRouter()
ALL = {
    Act.RETRY: "Run all that match again",
    Act.CANCEL: "Cancel all that match",
    Act.DISCARD: "Discard all that match",
}


@router.get(JOBS)
def list_jobs(request: Request, caller: Reader) -> Response:
    """The jobs that filters leave, the newest first, or the one with an id."""
    pairs = request.query_params.multi_items()
    try:
        wanted = asked(pairs)
        if job_id := request.query_params.get("id", "").strip():
            return RedirectResponse(job_at(_found(job_id)), status_code=HTTPStatus.SEE_OTHER)
    except (InvalidInput, NotFound) as error:
        request.state.problem_code = error.code  # for whoever observes the request
        return _page(request, typed=typed(pairs), status=error.status, sentence=str(error))
    return _page(request, typed=typed(pairs), asked=wanted, found=listed.look(wanted, caller=caller))


def _found(prefix: str) -> str:
    with looking() as session:
        return find_id(session, prefix=prefix)


def _page(
    request: Request,
    *,
    typed: dict[str, str],
    asked: Asked | None = None,
    found: listed.Listed | None = None,
    status: HTTPStatus = HTTPStatus.OK,
    sentence: str | None = None,
) -> Response:
    states = request.query_params.getlist("state")
    if asked is not None:
        after, before = asked.filters.accepted_after, asked.filters.accepted_before
        typed |= {"accepted_after": as_typed(after), "accepted_before": as_typed(before)}
    return page(
        request.scope,
        "jobs/list.html.j2",
        status=status,
        sentence=sentence,
        typed=typed,
        chosen=states,
        states=list(State),
        queues=list(Queue),
        tasks=list(registry.tasks()),
        keys=search.names(),
        asked=asked,
        all_acts=_all_acts(asked, caller=request.state.caller) if asked else {},
        listed=found,
        most=listed.MAX_COUNTED,
    )


def _all_acts(asked: Asked, *, caller: Caller) -> dict[Act, str]:
    """What may be done to all that a list has."""
    return {act: said for act, said in ALL.items() if caller.may(act.scope) and can_be_all(asked, act)}

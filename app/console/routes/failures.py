"""The page of errors: what failed, grouped by task and error."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from app.console.live import shared
from app.console.pages import page
from app.console.places import ERRORS
from app.console.questions import answer
from app.db.clock import now as db_now
from app.jobs.scopes import READ
from app.jobs.statistics import failures
from app.jobs.web import permissions
from app.tokens.callers import Caller, require
from app.tokens.owners import OPERATED

router = APIRouter()
#: Spans to choose from, in hours.
SPANS = {1: "1 hour", 24: "1 day", 168: "7 days"}


@router.get(ERRORS)
def show_errors(
    request: Request,
    caller: Annotated[Caller, Depends(require(READ, OPERATED))],
    hours: Annotated[int, Query(ge=1, le=max(SPANS))] = 24,
    task: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """What failed in the last hours."""
    readable = permissions.readable(caller)
    found = shared(
        request.scope,
        _look,
        hours=hours,
        task=task,
        readable=None if readable is None else frozenset(readable),
    )
    return page(request.scope, "failures.html.j2", found=found, spans=SPANS, hours=hours, task=task)


def _look(*, hours: int, task: str, readable: frozenset[str] | None) -> failures.Groups | None:
    """None where that was cut off."""
    return answer(
        lambda session: failures.groups(
            session,
            begin=db_now(session) - timedelta(hours=hours),
            task=task or None,
            shows=lambda name: readable is None or name in readable,
        )
    )

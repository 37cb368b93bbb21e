"""The timeline: what ended, failed and was slow, above what happened meanwhile."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.console.pages import page, streamed
from app.console.places import TIMELINE
from app.console.timeline import asked, charts, handed_on, lanes
from app.jobs.scopes import METRICS, READ
from app.tokens.callers import Caller, MissingScope, require
from app.tokens.owners import BY_SCOPE, OPERATED

router = APIRouter()


@router.get(f"{TIMELINE}/evidence.json")
def download_evidence(
    request: Request, caller: Annotated[Caller, Depends(require(READ, OPERATED))]
) -> Response:
    """One stretch of time with the jobs that failed in it as one file to hand on, masked."""
    if not caller.may(METRICS):
        raise MissingScope(scope=METRICS)
    wanted = asked.asked(request.query_params, now=datetime.now(UTC))
    return streamed(handed_on.evidence_of_span(wanted, caller=caller), name="timeline.json")


@router.get(TIMELINE)
def timeline(request: Request, caller: Annotated[Caller, Depends(require(METRICS, BY_SCOPE))]) -> Response:
    """One stretch of time; what in it is somebody's act, only administrators see of others."""
    wanted = asked.asked(request.query_params, now=datetime.now(UTC))
    return page(
        request.scope,
        "timeline.html.j2",
        wanted=wanted,
        spans=list(asked.SPANS),
        timeline=lanes.look(wanted, caller=caller),
        width=charts.WIDTH,
        height=charts.HEIGHT,
    )

"""The timeline: what ended, failed and was slow, above what happened meanwhile."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.console.pages import page
from app.console.places import TIMELINE
from app.console.timeline import asked, charts, lanes
from app.jobs.scopes import METRICS
from app.tokens.callers import Caller, require
from app.tokens.owners import BY_SCOPE

router = APIRouter()


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

"""The overview: whether all is well, and what needs a person."""

from fastapi import APIRouter, Depends, Request, Response

from app.console import figures
from app.console.live import shared
from app.console.pages import page
from app.console.places import ROOT
from app.console.timeline import charts
from app.jobs.scopes import METRICS
from app.tokens.callers import require
from app.tokens.owners import BY_SCOPE

router = APIRouter()


@router.get(ROOT, dependencies=[Depends(require(METRICS, BY_SCOPE))])
def overview(request: Request) -> Response:
    """What the ledger and the broker say now."""
    found = shared(request.scope, figures.look)
    return page(request.scope, "overview.html.j2", figures=found, width=charts.WIDTH, height=charts.HEIGHT)

"""Releases: which are at work, and what they have more or fewer than have run here."""

from fastapi import APIRouter, Depends, Request, Response

from app.console import deploys
from app.console.figures import CAP
from app.console.pages import page
from app.console.places import DEPLOYS
from app.jobs.fleet import Life
from app.jobs.scopes import METRICS
from app.tokens.callers import require
from app.tokens.owners import BY_SCOPE

router = APIRouter()


@router.get(DEPLOYS, dependencies=[Depends(require(METRICS, BY_SCOPE))])
def deploys_page(request: Request) -> Response:
    """The releases of workers, and tasks that this one does not have though there are jobs of them."""
    return page(request.scope, "deploys.html.j2", deploys=deploys.look(), lives=list(Life), cap=CAP)

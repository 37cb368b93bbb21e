"""HTTP routes of the health check."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from app.db.sessions import reading
from app.health.checks import service
from app.health.checks.models import CheckState
from app.health.checks.scopes import INSPECT
from app.tokens.callers import require
from app.tokens.owners import BY_SCOPE
from app.values.path_parameters import Cursor, Limit
from app.values.row_views import RowView

router = APIRouter(prefix="/api/v1/health", tags=["health"])
may_inspect = Depends(require(INSPECT, BY_SCOPE))


class CheckView(RowView):
    """What one check found in one window of time."""

    id: int
    kind: str
    state: CheckState
    sentence: str
    value: float | None = Field(description="What was measured, such as MiB, jobs or seconds.")
    milliseconds: int
    host: str
    checked_at: datetime


class CheckPage(BaseModel):
    """Some checks, the newest first; `next` is the cursor of the page after, null on the last."""

    checks: list[CheckView]
    next: int | None


@router.get("/checks", dependencies=[may_inspect])
def list_checks(
    kind: Annotated[str | None, Query(max_length=50, examples=["disk"])] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> CheckPage:
    """What the health check found, the newest first."""
    with reading() as session:
        page = service.newest(session, kind=kind, before=cursor, limit=limit)
    return CheckPage(checks=[CheckView.model_validate(row) for row in page.rows], next=page.next)

"""The HTTP route of statistics."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from app.db.sessions import reading
from app.domains.accounts.facts import OF_USER
from app.domains.stats import service
from app.domains.stats.scopes import READ
from app.tokens.callers import require
from app.values.path_parameters import Id
from app.values.row_views import RowView
from app.values.strict_models import PlainInt

router = APIRouter(prefix="/api/v1/users", tags=["users"])
may_read = Depends(require(READ, OF_USER))


class StatsView(RowView):
    """What a user did in the last days, counted by the hour."""

    user_id: int
    days: int
    logins: int
    failed_logins: int
    operations: int = Field(description="As the operation log has them.")
    notifications: int
    last_seen_at: datetime | None


@router.get("/{user_id}/stats", dependencies=[may_read])
def get_stats(user_id: Id, days: Annotated[PlainInt, Query(ge=1, le=366)] = 30) -> StatsView:
    """How much a user did in the last days."""
    with reading() as session:
        return StatsView.model_validate(service.totals(session, user_id=user_id, days=days))

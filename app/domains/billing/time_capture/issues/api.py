"""HTTP routes of what is wrong with entries."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from app.db.sessions import reading
from app.domains.billing.scopes import READ
from app.domains.billing.time_capture.issues import listing, schemas
from app.tokens.callers import Caller, require
from app.tokens.owners import IN_QUERY
from app.values.path_parameters import Cursor, Limit
from app.values.row_ids import MAX_BIGINT
from app.values.strict_models import PlainInt

router = APIRouter(prefix="/api/v1", tags=["time"])
Reader = Annotated[Caller, Depends(require(READ, IN_QUERY))]
OfTenant = Annotated[PlainInt | None, Query(ge=1, le=MAX_BIGINT, description="Of this tenant alone.")]


@router.get("/billing/issues")
def list_issues(
    caller: Reader, tenant_id: OfTenant = None, limit: Limit = 50, cursor: Cursor = None
) -> schemas.IssuePage:
    """Open issues: a person's own, and all of the tenants whose admin they are.

    For an administrator or a token, all there are.
    """
    with reading() as session:
        page = listing.page(
            session, only_user=caller.only_user, tenant_id=tenant_id, after=cursor, limit=limit
        )
    issues = [schemas.IssueView.model_validate(row) for row in page.rows]
    return schemas.IssuePage(issues=issues, next=page.next)

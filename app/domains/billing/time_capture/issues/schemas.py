"""What the API says of issues."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from app.domains.billing.time_capture.models import IssueKind
from app.values.row_views import RowView


class IssueView(RowView):
    """Something that is wrong with a time entry."""

    id: int
    tenant_id: int
    project_id: int
    entry_id: int
    #: Who worked it.
    user_id: int
    kind: IssueKind
    sentence: str
    opened_at: datetime


class IssuePage(BaseModel):
    """Some issues, and the cursor for the next page."""

    issues: list[IssueView]
    next: int | None

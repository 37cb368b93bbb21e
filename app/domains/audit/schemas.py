"""What the audit logs are searched by, and what is shown of them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from app.domains.audit.facts import LoginStatus
from app.jobs.views import Moment
from app.values.row_ids import RowId
from app.values.row_views import RowView
from app.values.strict_models import StrictModel

MAX_PAGE = 500
MAX_EXPORT = 100_000

Text = Annotated[str, Field(min_length=1, max_length=500)]
Method = Annotated[str, StringConstraints(to_upper=True, min_length=1, max_length=64)]


class LogFilter(StrictModel):
    """Which records of either log; what is left out does not narrow."""

    user: Text | None = Field(default=None, description="Name of the user or of the token.")
    user_id: RowId | None = None
    address: Text | None = None
    trace_id: Text | None = Field(default=None, description="The request's id.")
    after: Moment | None = Field(default=None, description="At this time or later.")
    before: Moment | None = Field(default=None, description="Before this time.")


class OperationFilter(LogFilter):
    """Which requests."""

    method: Method | None = None
    route: Text | None = Field(
        default=None, description="Template of the path, such as /api/v1/users/{user_id}."
    )
    path: Text | None = Field(default=None, description="What the path begins with.")
    status: Annotated[int, Field(ge=0, le=999)] | None = None
    code: Text | None = Field(default=None, description="Of the problem document.")


class LoginFilter(LogFilter):
    """Which attempts to sign in."""

    status: LoginStatus | None = None


class _Paged(StrictModel):
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 50
    cursor: UUID | None = Field(default=None, description="`next` of the previous page.")


class _Exported(StrictModel):
    limit: Annotated[int, Field(ge=1, le=MAX_EXPORT)] = 10_000


class OperationQuery(OperationFilter, _Paged):
    """One page of the operation log."""


class LoginQuery(LoginFilter, _Paged):
    """One page of the login log."""


class OperationExport(OperationFilter, _Exported):
    """A part of the operation log as a file."""


class LoginExport(LoginFilter, _Exported):
    """A part of the login log as a file."""


class OperationView(RowView):
    """A request that was recorded."""

    id: UUID
    at: datetime
    trace_id: str | None
    user_id: int | None
    user_name: str | None
    token_id: str | None
    method: str
    route: str | None
    title: str | None
    path: str
    status: int
    code: str | None
    milliseconds: int
    address: str | None
    user_agent: str | None
    browser: str | None
    os: str | None
    device: str | None
    arguments: dict[str, Any]
    left_out: int = Field(description="How many requests this stands for beside itself.")


class LoginView(RowView):
    """An attempt to sign in."""

    id: UUID
    at: datetime
    trace_id: str | None
    user_id: int | None
    user_name: str | None
    status: LoginStatus
    message: str
    address: str | None
    user_agent: str | None
    browser: str | None
    os: str | None
    device: str | None


class OperationPage(StrictModel):
    """Requests, the newest first."""

    operations: list[OperationView]
    next: UUID | None


class LoginPage(StrictModel):
    """Attempts to sign in, the newest first."""

    logins: list[LoginView]
    next: UUID | None

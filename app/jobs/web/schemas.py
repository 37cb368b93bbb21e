"""What the jobs API takes and gives."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from app.jobs.ledger.models import State
from app.jobs.views import JobFilter, JobSummary, Moment, PriorityName
from app.values.strict_models import StrictModel, listing_errors

MAX_BATCH = 1_000
MAX_PAGE = 500
MAX_BULK_RETRY = 10_000
KEY_PATTERN = r"^[\x21-\x7e]{1,255}$"


class JobRequest(StrictModel):
    """A job to accept."""

    task: Annotated[str, Field(max_length=200, examples=["pricing.recompute_all_discounts"])]
    arguments: dict[str, Any] = Field(default={}, description="By name, as GET /api/v1/tasks describes them.")
    run_at: Moment | None = Field(default=None, description="Start no sooner than this; within 366 days.")
    expires_at: Moment | None = Field(default=None, description="Do not start after this.")
    priority: PriorityName | None = Field(default=None, description="If left out, that of the task.")


class BatchItem(JobRequest):
    """A job of a batch."""

    idempotency_key: Annotated[str, Field(pattern=KEY_PATTERN)] | None = None


class BatchRequest(StrictModel):
    """Jobs to accept together: all of them or none."""

    jobs: Annotated[
        list[BatchItem], Field(min_length=1, max_length=MAX_BATCH), listing_errors(most=MAX_BATCH)
    ]


class ListQuery(JobFilter):
    """One page of jobs, the newest first."""

    state: list[State] = Field(default=[])
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 50
    cursor: Annotated[str, Field(max_length=500)] | None = Field(
        default=None, description="`next` of the previous page."
    )


class BulkRetryRequest(JobFilter):
    """Dead jobs to run again."""

    limit: Annotated[int, Field(ge=1, le=MAX_BULK_RETRY)] = 1_000


class BulkCancelRequest(JobFilter):
    """Waiting jobs to cancel."""

    limit: Annotated[int, Field(ge=1, le=MAX_BULK_RETRY)] = 1_000


class JobAccepted(BaseModel):
    """The answer to an accepted job; the same for a repeated key."""

    id: str
    task: str
    url: str


class BatchAccepted(BaseModel):
    """The answers to a batch, in its order."""

    jobs: list[JobAccepted]


class BulkRetried(BaseModel):
    """How many jobs will run again; `more` when the limit left some dead."""

    retried: int
    more: bool


class BulkCancelled(BaseModel):
    """How many jobs were cancelled; `more` when the limit left some waiting."""

    cancelled: int
    more: bool


class JobPage(BaseModel):
    """Some jobs, and where the next ones begin; `next` is null on the last page."""

    jobs: list[JobSummary]
    next: str | None


class TaskView(BaseModel):
    """A task and the JSON schema of its arguments."""

    name: str
    doc: str
    queue: str
    priority: PriorityName
    public: bool
    scope: str | None = Field(description="Scope that a token needs for its jobs, beside `jobs:...`.")
    durable: bool
    schedule: str | None
    sensitive: list[str]
    search: list[str] = Field(description="The arguments by whose values its jobs are found.")
    max_attempts: int | None
    arguments: dict[str, Any] | None

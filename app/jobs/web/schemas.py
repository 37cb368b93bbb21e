"""What the jobs API takes and gives."""

import re
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal, Self, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from app.jobs.ledger.models import Outcome, State
from app.topology import Priority
from app.values.strict_models import StrictModel, listing_errors
from app.values.typed_json import shown

MAX_BATCH = 1_000
MAX_PAGE = 500
MAX_BULK_RETRY = 10_000
KEY_PATTERN = r"^[\x21-\x7e]{1,255}$"
_RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})", re.IGNORECASE)

PriorityName = Literal["urgent", "high", "normal", "low"]


def _moment(value: object) -> datetime:
    """An RFC 3339 time with its offset, in UTC: a bare number or local time would be guessed at."""
    try:
        if isinstance(value, str) and _RFC_3339.fullmatch(value):
            return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # a 30th of February, or a moment outside the years 1 to 9999
    raise PydanticCustomError(
        "moment", "Give an RFC 3339 time with offset, such as 2030-01-31T08:00:00Z (in a URL, write + as %2B)"
    )


Moment = Annotated[
    datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]


def _document(value: object) -> object:
    """What a body reported or was given, by name; what has no names is shown all the same."""
    if value is None:
        return None
    return shown(value if isinstance(value, dict) else {"info": value})


#: What tasks and callers gave, of whatever kind.
Text = Annotated[str, BeforeValidator(shown)]
Value = Annotated[Any, BeforeValidator(shown)]
Document = Annotated[dict[str, Any], BeforeValidator(_document)]


class JobRequest(StrictModel):
    """A job to accept."""

    task: Annotated[str, Field(max_length=200, examples=["pricing.recompute_all_discounts"])]
    arguments: dict[str, Any] = Field(default={}, description="By name, as GET /api/v1/tasks describes them.")
    run_at: Moment | None = Field(default=None, description="Not before this; within 366 days.")
    expires_at: Moment | None = Field(default=None, description="Not started after this.")
    priority: PriorityName | None = Field(default=None, description="Left out: the task's own.")


class BatchItem(JobRequest):
    """A job of a batch."""

    idempotency_key: Annotated[str, Field(pattern=KEY_PATTERN)] | None = None


class BatchRequest(StrictModel):
    """Jobs to accept together: all of them or none."""

    jobs: Annotated[
        list[BatchItem], Field(min_length=1, max_length=MAX_BATCH), listing_errors(most=MAX_BATCH)
    ]


class JobFilter(StrictModel):
    """Which jobs; what is left out does not narrow."""

    task: Annotated[str, Field(max_length=200)] | None = None
    queue: Annotated[str, Field(max_length=200)] | None = None
    accepted_after: Moment | None = Field(default=None, description="Accepted at this time or later.")
    accepted_before: Moment | None = Field(default=None, description="Accepted before this time.")
    error: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="Text in the error, in either case."
    )


class ListQuery(JobFilter):
    """One page of jobs, the newest first."""

    state: list[State] = Field(default=[])
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 50
    cursor: Annotated[str, Field(max_length=500)] | None = Field(
        default=None, description="`next` of the page before."
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


class AttemptView(BaseModel):
    """One run of a job; `outcome` is null while it lasts."""

    model_config = ConfigDict(from_attributes=True)

    fence: int
    worker: str | None
    release: str | None
    started_at: datetime | None
    finished_at: datetime | None
    outcome: Outcome | None
    error: Text | None = None
    traceback: Text | None = None


class JobRow(BaseModel):
    """What a job's row says of it in a list."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    task: str
    queue: str
    priority: Annotated[PriorityName, BeforeValidator(lambda number: priority_name(number))]
    state: State
    accepted_at: datetime
    run_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None
    attempt: int
    max_attempts: int | None
    worker: str | None
    release: str | None
    progress: Document | None
    error: Text | None

    @model_validator(mode="wrap")
    @classmethod
    def _as_far_as_it_can_be_read(cls, row: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        """One bad row must not hide the others; another release or a person's hand may have written it."""
        try:
            return read(row)
        except ValidationError as failure:
            problems = {str(problem["loc"][0]) for problem in failure.errors(include_input=False)}
            given = row.get if isinstance(row, dict) else partial(_attribute, row)
            values: Any = {name: None if name in problems else given(name) for name in cls.model_fields}
            values["error"] = f"These parts of the row cannot be read: {', '.join(sorted(problems))}."
            return cast("Self", cls.model_construct(**values | {"state": State(values["state"])}))


class JobSummary(JobRow):
    """A job in a list."""

    hidden_without: str | None = Field(
        default=None, description="The scope whose lack hides progress, arguments, result and tracebacks."
    )


class JobDetail(JobSummary):
    """All that is known of a job; sensitive arguments show as `***`."""

    group_id: str | None
    context: Document | None
    arguments: Document
    result: Value
    attempts: list[AttemptView]


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
    scope: str | None = Field(description="What a token needs for jobs of this task, beside `jobs:...`.")
    durable: bool
    schedule: str | None
    sensitive: list[str]
    max_attempts: int | None
    arguments: dict[str, Any] | None


def _attribute(row: object, name: str) -> object:
    return getattr(row, name, None)


def priority_name(number: object) -> object:
    """The class of a priority: of the broker's lists, the one it falls into."""
    if not isinstance(number, int | float):
        return number
    return max(step for step in Priority if step <= max(number, 0)).name.lower()

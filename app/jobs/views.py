"""What is shown of jobs, and what they are looked for by: on the command line and over HTTP alike."""

import re
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal, Self, cast

from pydantic import (
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from app.jobs.ledger.models import Outcome, State
from app.jobs.waits.causes import Cause, Figure
from app.topology import Priority
from app.values.row_views import RowView
from app.values.strict_models import StrictModel
from app.values.typed_json import shown

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


class JobFilter(StrictModel):
    """Which jobs; what is left out does not narrow."""

    task: Annotated[str, Field(max_length=200)] | None = None
    queue: Annotated[str, Field(max_length=200)] | None = None
    accepted_after: Moment | None = Field(default=None, description="Accepted at this time or later.")
    accepted_before: Moment | None = Field(default=None, description="Accepted before this time.")
    error: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="Text in the error; upper and lower case are the same."
    )
    key: Annotated[str, Field(max_length=1_200)] | None = Field(
        default=None,
        description="A search key that tasks declare, and its value: `order_id:123`.",
        examples=["order_id:123"],
    )


class AttemptView(RowView):
    """One run of a job; `outcome` is null while it lasts."""

    fence: int
    worker: str | None
    release: str | None
    started_at: datetime | None
    finished_at: datetime | None
    outcome: Outcome | None
    error: Text | None = None
    traceback: Text | None = None


class JobRow(RowView):
    """What a job's row says of it in a list."""

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
    waits_for: str | None = Field(
        default=None, description="Why it waits, in one sentence; null for a job that runs or has ended."
    )
    wait_cause: Cause | None = Field(default=None, description="The same as one word.")
    wait_figures: dict[str, Figure] | None = Field(default=None, description="The figures of that sentence.")
    arguments: Document
    result: Value
    attempts: list[AttemptView]


def _attribute(row: object, name: str) -> object:
    return getattr(row, name, None)


def priority_name(number: object) -> object:
    """The class of a priority: of the broker's lists, the one it falls into."""
    if not isinstance(number, int | float):
        return number
    return max(step for step in Priority if step <= max(number, 0)).name.lower()

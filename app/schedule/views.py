"""What is given and shown of schedules, on the command line and over HTTP alike."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field

from app.jobs.declaration import registry
from app.jobs.errors import UnknownTask
from app.jobs.views import Moment, PriorityName, Text, priority_name
from app.schedule.models import RunOutcome, ScheduleEntry, ScheduleRun
from app.schedule.policies import Misfire, Overlap
from app.schedule.spec import LONGEST
from app.topology import Priority
from app.values.row_views import RowView
from app.values.strict_models import StrictModel

_LONGEST = int(LONGEST.total_seconds())
Seconds = Annotated[int, Field(ge=0, le=_LONGEST)]
Interval = Annotated[int, Field(ge=1, le=_LONGEST)]
#: As this module calls them, and as the columns of the table are called.
_COLUMNS = {"every_seconds": "interval_seconds", "at": "once_at"}


class _Settings(StrictModel):
    """What may be set of a schedule; exactly one of `cron`, `every_seconds` and `at` says when it fires."""

    arguments: dict[str, Any] = Field(default={}, description="By name, as GET /api/v1/tasks describes them.")
    cron: Annotated[str, Field(max_length=200, examples=["0 2 * * *"])] | None = None
    every_seconds: Interval | None = None
    at: Moment | None = None
    timezone: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        default="UTC", description="Whose clock `cron` means; an IANA name, such as Europe/Berlin."
    )
    queue: Annotated[str, Field(max_length=200)] | None = Field(default=None, description="Null: the task's.")
    priority: PriorityName | None = Field(default=None, description="Null: the task's.")
    starts_at: Moment | None = Field(default=None, description="No moment before this is fired.")
    ends_at: Moment | None = Field(default=None, description="No moment after this is fired.")
    one_off: bool = Field(default=False, description="Disabled after its first moment.")
    enabled: bool = True
    overlap: Overlap = Field(
        default=Overlap.ALLOW, description="What becomes of a moment while an earlier job is not finished."
    )
    misfire: Misfire = Field(default=Misfire.ONCE, description="What becomes of moments that nobody saw.")
    grace_seconds: Seconds | None = Field(
        default=None, description="An older moment is not fired; null: GROUNDWORK_CATCH_UP_SECONDS."
    )
    jitter_seconds: Seconds = Field(default=0, description="Each job waits a part of this.")
    success_within_seconds: Interval | None = Field(
        default=None, description="Without a success for so long, the schedule is reported."
    )

    def columns(self) -> dict[str, Any]:
        """What was given, by the columns of the table."""
        found = {_COLUMNS.get(name, name): getattr(self, name) for name in self.model_fields_set}
        if found.get("priority") is not None:
            found["priority"] = Priority[found["priority"].upper()].value
        for name in {"overlap", "misfire"} & found.keys():
            found[name] = found[name].value
        return found


class ScheduleDraft(_Settings):
    """A schedule to make."""

    name: str
    task: Annotated[str, Field(max_length=200)]

    def columns(self) -> dict[str, Any]:
        """All settings by the columns of the table, the usual ones where nothing was given."""
        whole = self.model_copy()
        whole.__pydantic_fields_set__ = set(_Settings.model_fields)
        return _Settings.columns(whole)


class ScheduleChange(_Settings):
    """What is to change of a schedule; what is left out stays."""


class ScheduleView(BaseModel):
    """A schedule: what fires when, and what came of it."""

    name: str
    task: str
    schedule: str = Field(description="When it fires, in words.")
    arguments: dict[str, Any]
    cron: str | None
    every_seconds: int | None
    at: datetime | None
    timezone: str
    queue: str | None
    priority: PriorityName | None
    starts_at: datetime | None
    ends_at: datetime | None
    one_off: bool
    enabled: bool
    overlap: Overlap
    misfire: Misfire
    grace_seconds: int | None
    jitter_seconds: int
    success_within_seconds: int | None
    is_default: bool = Field(description="Whether its task declares it.")
    edited: bool = Field(description="Whether an edit stands above what the task declares.")
    gone_at: datetime | None = Field(description="Since when no task declares this default any more.")
    last_fire_at: datetime | None
    last_success_at: datetime | None
    next_fire_at: datetime | None
    problem: str | None = Field(description="Why its last moment could not be fired; beat tries again.")
    overdue_since: datetime | None = Field(description="Since when it lacks a success within its time.")

    @classmethod
    def of(cls, entry: ScheduleEntry) -> Self:
        """A row as it is shown."""
        return cls.model_validate(
            {name: getattr(entry, _COLUMNS.get(name, name), None) for name in cls.model_fields}
            | {
                "schedule": entry.rule.describe(),
                "queue": entry.queue or _queue_of(entry.task),
                "priority": None if entry.priority is None else priority_name(entry.priority),
                "is_default": entry.default is not None,
                "next_fire_at": entry.next_after(entry.seen_until),
            }
        )


class RunView(RowView):
    """One moment of a schedule; `outcome` is null while its job is not finished."""

    moment: datetime
    fired_at: datetime
    job_id: str | None
    outcome: RunOutcome | None
    started_at: datetime | None
    finished_at: datetime | None
    seconds: float | None = Field(default=None, description="How long the job ran.")
    error: Text | None

    @classmethod
    def of(cls, run: ScheduleRun) -> Self:
        """A row as it is shown."""
        view = cls.model_validate(run)
        if run.started_at is not None and run.finished_at is not None:
            view.seconds = round((run.finished_at - run.started_at).total_seconds(), 3)
        return view


def _queue_of(task: str) -> str | None:
    try:
        return registry.spec_of(task).queue
    except UnknownTask:
        return None

"""What the API of time entries takes and answers."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from app.domains.billing import fields
from app.domains.billing.charging.periods import Period
from app.domains.billing.time_capture.deciding import Decided
from app.domains.billing.time_capture.entries import Work
from app.domains.billing.time_capture.listing import Wanted
from app.domains.billing.time_capture.models import EntryState, Source
from app.values.row_ids import RowId
from app.values.row_views import RowView
from app.values.strict_models import StrictModel
from app.values.text import one_line
from app.values.text_fields import ONE_LINE, saying

MAX_DESCRIPTION = 1_000
#: Entries that a request names by their ids.
MAX_IDS = 1_000

Moment = Annotated[
    str,
    Field(
        max_length=40,
        description="ISO 8601, with an offset or by the clock of `timezone`.",
        examples=["2026-03-02T09:00", "2026-03-02T09:00+01:00"],
    ),
]
Description = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=MAX_DESCRIPTION),
    saying(lambda text: one_line(text) if text else text),
]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), ONE_LINE]
PeriodText = Annotated[str, Field(max_length=40, description="YYYY-MM, by the clients' clocks.")]


class _EntryIn(StrictModel):
    started_at: Moment
    ended_at: Moment
    timezone: fields.Timezone | None = Field(default=None, description="Without one, the worker's.")
    description: Description = ""

    def work(self) -> Work:
        """As the service takes it."""
        return Work(
            started_at=self.started_at,
            ended_at=self.ended_at,
            timezone=self.timezone,
            description=self.description,
        )


class NewEntry(_EntryIn):
    """What was worked; by the caller, unless an admin says by whom."""

    user_id: RowId | None = None


class EntryIn(_EntryIn):
    """What was worked, told anew; on another project of the tenant where one is named."""

    project_id: RowId | None = None


class EntryView(RowView):
    """What somebody worked; `is_billable` is whether its project is."""

    id: int
    client_id: int
    project_id: int
    user_id: int
    source: Source
    external_key: str | None
    state: EntryState
    started_at: datetime
    ended_at: datetime
    seconds: int
    timezone: str
    description: str
    is_billable: bool
    decided_by: int | None
    decided_at: datetime | None
    reason: str | None
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, row: Any) -> Self:
        """As the API shows a row of `listing`."""
        length = row.ended_at - row.started_at
        facts = {name: getattr(row, name) for name in cls.model_fields if name != "seconds"}
        return cls(**facts, seconds=int(length.total_seconds()))


class EntryPage(BaseModel):
    """Some entries, the last stored first; `next` is the cursor of the page after, null on the last."""

    entries: list[EntryView]
    next: int | None


class RejectIn(StrictModel):
    """Why an entry is rejected; the worker reads it."""

    reason: Reason


class WantedIn(StrictModel):
    """Entries of a tenant; what is left out does not matter."""

    period: PeriodText | None = None
    client_id: RowId | None = None
    project_id: RowId | None = None
    user_id: RowId | None = None
    upto_id: RowId | None = Field(
        default=None, description="The last entry that was looked at: what came later is left out."
    )
    after: RowId | None = Field(default=None, description="`next` of the answer before.")

    def wanted(self) -> Wanted:
        """As the service takes it. Raises `MalformedPeriod`."""
        given = self.model_dump(exclude={"after", "period"})
        return Wanted(**given, period=None if self.period is None else Period.parse(self.period))


class BulkIn(StrictModel):
    """Which entries: by their ids, or by what they have in common."""

    ids: Annotated[list[RowId], Field(min_length=1, max_length=MAX_IDS)] | None = None
    wanted: WantedIn | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.ids is None) == (self.wanted is None):
            raise ValueError("give either ids or wanted")
        return self


class BulkRejectIn(BulkIn):
    """Which entries, and why they are rejected."""

    reason: Reason


class RefusalView(RowView):
    """An entry that was left as it is, and why."""

    entry_id: int
    code: str
    detail: str


class DecidedView(RowView):
    """What became of many entries; ask again with `next` as `after` until it is null."""

    decided: int
    unchanged: int
    refused: int
    why: list[RefusalView] = Field(description="The first of those that were refused.")
    next: int | None

    @classmethod
    def of(cls, decided: Decided) -> Self:
        """As the API shows it."""
        return cls.model_validate(decided)

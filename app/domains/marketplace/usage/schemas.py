"""What the API of usage takes and answers."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from app.domains.marketplace.usage.models import Span, UsageKind
from app.domains.marketplace.usage.recording import Told
from app.jobs.views import Moment
from app.values.row_ids import RowId
from app.values.row_views import RowView
from app.values.strict_models import StrictModel, listing_errors

MAX_EVENTS = 1_000
EventId = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9._:-]{1,100}$",
        description="Such as a UUID. An event that comes again under it is the same one, whoever tells it.",
        examples=["0197f4d2-6a53-7c1e-9d2b-3f8e5a1c7b60"],
    ),
]


class EventIn(StrictModel):
    """Something that happened to a model."""

    id: EventId
    model_id: RowId
    kind: UsageKind
    happened_at: Moment | None = Field(
        default=None, description="Within the last 7 days; if left out, when it comes."
    )

    @property
    def told(self) -> Told:
        """For the service."""
        return Told(id=self.id, model_id=self.model_id, kind=self.kind, happened_at=self.happened_at)


class EventsIn(StrictModel):
    """Events to count together: all of them or none."""

    events: Annotated[
        list[EventIn], Field(min_length=1, max_length=MAX_EVENTS), listing_errors(most=MAX_EVENTS)
    ]


class EventsCounted(BaseModel):
    """How many events were counted, and how many had been before."""

    counted: int
    known: int


class UsageQuery(StrictModel):
    """What of the counts is shown."""

    span: Span = Span.DAY
    after: Moment | None = Field(
        default=None, description="From this hour or day on (UTC); if left out, a day of hours or 30 days."
    )
    before: Moment | None = Field(default=None, description="Before this time; if left out, until now.")


class CountView(RowView):
    """How often something happened in the hour or day that begins then."""

    begins_at: datetime
    kind: UsageKind
    count: int


class UsageView(BaseModel):
    """The counts of a model; where nothing happened, there is none."""

    model_id: int
    span: Span
    counts: list[CountView]
    totals: dict[UsageKind, int]

"""What the API of integrations takes and answers."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from app.domains.billing.integrations.facts import Provider
from app.domains.billing.integrations.models import Health
from app.values.row_views import RowView
from app.values.strict_models import StrictModel


class Departure(BaseModel):
    """Where to send the person's browser."""

    url: str


class Wanted(StrictModel):
    """What a person wants to connect."""

    provider: Provider


class WayBack(Wanted):
    """What the provider gave the person's browser to bring back."""

    code: Annotated[str, Field(min_length=1, max_length=4_096)]
    state: Annotated[str, Field(min_length=1, max_length=200)]


class IntegrationView(RowView):
    """A connected account. Its tokens are shown to nobody."""

    id: int
    provider: Provider
    account_name: str
    is_enabled: bool
    health: Health
    error: str | None
    checked_at: datetime | None
    synced_at: datetime | None
    created_at: datetime


class Integrations(BaseModel):
    """What a person has connected."""

    integrations: list[IntegrationView]


class EventAnswer(BaseModel):
    """What Slack gets for an event; `challenge` is the answer to its question whether this is the place."""

    challenge: str | None = None

"""What the API of licences takes and answers."""

from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import BaseModel, Field

from app.domains.marketplace.licences.checking import Standing, standing_of
from app.domains.marketplace.licences.models import Licence
from app.values.row_views import RowView
from app.values.strict_models import StrictModel
from app.values.text_fields import ONE_LINE

LINK_LASTS = timedelta(hours=1)
#: Longer than any there is.
Typed = Annotated[str, Field(max_length=200)]
Device = Annotated[
    str, Field(min_length=1, max_length=200, description="What the software calls the device."), ONE_LINE
]


class KeyOnDevice(StrictModel):
    """A key, and where it is to be used."""

    key: Typed
    device: Device


class KeyToCheck(StrictModel):
    """A key, and where it is used, if that is asked, too."""

    key: Typed
    device: Device | None = None


class CheckedView(RowView):
    """What a licence is good for: `is_valid` if it is active, and used on the device that was named."""

    model: str
    standing: Standing
    is_valid: bool
    expires_at: datetime | None
    activations: int
    max_activations: int


class LicenceRevoked(BaseModel):
    """What became of a licence, for who operates the service: not whose it is."""

    id: int
    standing: Standing = Standing.REVOKED


class LicenceView(BaseModel):
    """A licence, without its key."""

    id: int
    order_id: int
    model_id: int
    user_id: int
    standing: Standing
    max_activations: int
    issued_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, licence: Licence, *, now: datetime) -> Self:
        """As the API shows it."""
        told = {name: getattr(licence, name, None) for name in cls.model_fields}
        return cls(**told | {"standing": standing_of(licence, now=now)})


class DownloadView(BaseModel):
    """A link to the file of a version, for whoever has it."""

    url: str
    version: str
    size: int | None
    sha256: str | None


class LicencePage(BaseModel):
    """Some licences, the last issued first; `next` is the cursor of the page after."""

    licences: list[LicenceView]
    next: int | None

"""What the API takes and tells of exports and erasures."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from app.domains.privacy.models import ExportState, Format
from app.outbound.mail.addresses import Mailbox
from app.values.row_views import RowView
from app.values.strict_models import StrictModel


class ExportRequest(StrictModel):
    """In which form somebody's data is to be exported."""

    format: Format = Format.JSON


class ExportView(RowView):
    """An export, as far as it is nobody's secret."""

    id: int
    format: Format
    state: ExportState
    requested_at: datetime
    ready_at: datetime | None
    expires_at: datetime | None
    size: int | None
    sha256: str | None


class Exports(BaseModel):
    """The exports of a person."""

    exports: list[ExportView]


class Passphrase(BaseModel):
    """What opens an archive."""

    passphrase: str


class ErasureRequest(StrictModel):
    """That somebody is to be erased; `confirm` is their mail address, as it is registered."""

    confirm: Mailbox


class ErasureView(RowView):
    """What became of an erasure: by table, what was deleted, anonymised and kept, and why it was kept."""

    user_id: int
    requested_at: datetime
    finished_at: datetime | None
    report: dict[str, dict[str, Any]]


class ErasureAnswer(BaseModel):
    """The erasure of a person, if anybody has asked for it."""

    erasure: ErasureView | None


class Queued(BaseModel):
    """The job that does what was asked for."""

    job_id: str

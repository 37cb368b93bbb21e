"""What the API tells of reports."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Self

from fastapi import Path, Query
from pydantic import BaseModel, Field

from app.domains.marketplace.reports.models import ReportKind
from app.values.row_views import RowView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domains.marketplace.reports.models import SalesReport

LINK_LASTS = timedelta(hours=1)
_PERIOD = r"^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$"
_FORM = "YYYY-MM-DD of a daily report, YYYY-MM of a monthly one."
PeriodInPath = Annotated[str, Path(pattern=_PERIOD, description=_FORM)]
Before = Annotated[str | None, Query(pattern=_PERIOD, description="`next` of the previous page.")]


class FileView(RowView):
    """A report in one form."""

    media_type: str
    size: int
    sha256: str


class ReportView(BaseModel):
    """A report of a day or a month."""

    kind: ReportKind
    period: str
    made_at: datetime
    files: list[FileView]

    @classmethod
    def of(cls, files: Sequence[SalesReport]) -> Self:
        """Made of the rows of its files."""
        first = files[0]
        return cls(
            kind=ReportKind(first.kind),
            period=first.period,
            made_at=first.made_at,
            files=[FileView.model_validate(one) for one in files],
        )


class ReportPage(BaseModel):
    """Some reports; `next` asks for the ones before them."""

    reports: list[ReportView]
    next: str | None


class ReportDownload(FileView):
    """Where the file of a report is."""

    url: str = Field(description="Gives the file to whoever has it, for an hour.")

"""What the API of images takes and answers."""

from typing import Annotated

from pydantic import BaseModel, Field

from app.domains.marketplace.images.findings import Severity
from app.values.row_views import RowView
from app.values.strict_models import StrictModel

ImageTag = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$",
        description="Letters, digits and . _ -, of which the last two are not first.",
        examples=["1.0.0"],
    ),
]


class PushRequest(StrictModel):
    """Under which tag an image is to be pushed."""

    image_tag: ImageTag | None = Field(default=None, description="Unset: the version, with _ in place of +.")


class ImageJob(BaseModel):
    """The job that does it: `GET /api/v1/jobs/ID` shows how far it is, `POST .../ID/cancel` stops it."""

    job_id: str


class FindingView(RowView):
    """A weakness of a package in an image; `fixed` is the version that mends it, or empty."""

    id: int
    severity: Severity
    weakness: str
    package: str
    installed: str
    fixed: str
    title: str


class FindingPage(BaseModel):
    """Some weaknesses, the gravest first; `next` is the cursor of the page after."""

    findings: list[FindingView]
    next: int | None

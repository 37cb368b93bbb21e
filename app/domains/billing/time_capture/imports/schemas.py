"""What the API of imports takes and answers."""

from typing import Annotated

from pydantic import BaseModel, Field

from app.domains.billing.time_capture.imports.columns import COLUMNS
from app.values.strict_models import StrictModel
from app.values.text_fields import ONE_LINE

#: In characters.
MAX_CONTENT = 4_000_000
#: Rows that an answer names; the others are counted.
MAX_NAMED = 1_000
_HEADER = ",".join(column.name for column in COLUMNS)


class ImportIn(StrictModel):
    """A file of time entries."""

    name: Annotated[str, Field(min_length=1, max_length=200), ONE_LINE] = "entries.csv"
    content: Annotated[
        str,
        Field(
            min_length=1,
            max_length=MAX_CONTENT,
            description=f"CSV with the header {_HEADER}; worker, timezone and description may be absent.",
        ),
    ]


class ProblemView(BaseModel):
    """A row that was left out, and why."""

    line: int
    reason: str


class ImportView(BaseModel):
    """What became of the rows; `problems` are the first of those that were refused."""

    created: int
    updated: int
    unchanged: int
    refused: int
    problems: list[ProblemView]

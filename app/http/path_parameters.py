"""The parameters in paths and queries that the routes of all domains have in common."""

from typing import Annotated

from fastapi import Path, Query

from app.values.strict_models import PlainInt

MAX_ID = 2**63 - 1
Id = Annotated[PlainInt, Path(ge=1, le=MAX_ID)]
Limit = Annotated[PlainInt, Query(ge=1, le=500)]
Cursor = Annotated[PlainInt | None, Query(ge=0, le=MAX_ID, description="`next` of the previous page.")]

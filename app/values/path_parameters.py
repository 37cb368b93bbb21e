"""The parameters in paths and queries that many routes have in common."""

from typing import Annotated

from fastapi import Path, Query

from app.values.row_ids import MAX_BIGINT
from app.values.strict_models import PlainInt

#: The id of a row.
Id = Annotated[PlainInt, Path(ge=1, le=MAX_BIGINT)]
#: The same, by which a list is narrowed.
IdInQuery = Annotated[PlainInt | None, Query(ge=1, le=MAX_BIGINT)]
Limit = Annotated[PlainInt, Query(ge=1, le=500)]
Cursor = Annotated[PlainInt | None, Query(ge=0, le=MAX_BIGINT, description="`next` of the previous page.")]

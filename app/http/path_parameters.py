"""The parameters in paths and queries that the routes of all domains have in common."""

from typing import Annotated

from fastapi import Query

from app.tokens.callers import Id
from app.values.row_ids import MAX_BIGINT
from app.values.strict_models import PlainInt

__all__ = ["Cursor", "Id", "Limit"]

Limit = Annotated[PlainInt, Query(ge=1, le=500)]
Cursor = Annotated[PlainInt | None, Query(ge=0, le=MAX_BIGINT, description="`next` of the previous page.")]

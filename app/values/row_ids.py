"""The ids of rows, as callers give them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

#: What a column of whole numbers (BIGINT) holds.
MAX_BIGINT = 2**63 - 1

RowId = Annotated[int, Field(ge=1, le=MAX_BIGINT)]

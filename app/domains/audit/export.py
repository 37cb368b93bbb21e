"""Records as CSV, for spreadsheets: no cell is taken for a formula."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.values.csv_cells import text_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from app.values.row_views import RowView


def csv_of(view: type[RowView], parts: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The lines of a CSV file (RFC 4180) with the fields of `view`, as many at a time as there come."""
    yield _lines([list(view.model_fields)])
    for rows in parts:
        yield _lines(_cells(view.model_validate(row)) for row in rows)


def _lines(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cells(shown: RowView) -> list[str]:
    return [cell(getattr(shown, name)) for name in type(shown).model_fields]


def cell(value: object) -> str:
    """A value as a cell; a text that could be a formula is quoted as spreadsheets do."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return text_cell(value) if isinstance(value, str) else str(value)

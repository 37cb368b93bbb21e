"""Records as CSV, for spreadsheets: no cell is taken for a formula."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from app.values.row_views import RowView

#: What a spreadsheet takes for the beginning of a formula, also in the forms of other scripts, and what it
#: skips before one. Source: OWASP, CSV Injection.
FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20\t\r\n|%")


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
    text = str(value)
    if isinstance(value, str) and text.lstrip(" \u00a0").startswith(FORMULA):
        return f"'{text}"
    return text

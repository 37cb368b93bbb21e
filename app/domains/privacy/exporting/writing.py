"""The rows of a table as files: CSV and JSON in one, PDF in as many as it takes; none is whole in memory."""

from __future__ import annotations

import base64
import csv
import io
import json
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from app.domains.privacy.exporting.typesetting import typeset
from app.domains.privacy.models import Format
from app.values.csv_cells import text_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Row = Mapping[str, Any]

#: Rows of one PDF, which is made in memory; Typst remembers what it set of the last ten or so.
ROWS_OF_PDF = 50


class File(NamedTuple):
    """A file of an archive."""

    name: str
    chunks: Iterable[bytes]


def files_of(name: str, columns: Sequence[str], rows: Iterator[Row], *, kind: Format) -> Iterator[File]:
    """The files that say what `rows` are. Each is to be read before the next one is asked for."""
    if kind is Format.PDF:
        yield from _pdfs(name, rows)
        return
    write = _csv if kind is Format.CSV else _json
    yield File(f"{name}.{kind}", write(columns, rows))


def _csv(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    yield _line(columns)
    for row in rows:
        yield _line([_cell(row[column]) for column in columns])


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode(errors="backslashreplace")


def _cell(value: object) -> str:
    return text_cell(value) if isinstance(value, str) else text_of(value)


def _json(_columns: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    before = b"[\n"
    for row in rows:
        shown = json.dumps({name: _plain(value) for name, value in row.items()}, ensure_ascii=False)
        yield before + shown.encode(errors="backslashreplace")
        before = b",\n"
    yield b"[]\n" if before == b"[\n" else b"\n]\n"


def _pdfs(name: str, rows: Iterator[Row]) -> Iterator[File]:
    number = 1
    while part := list(islice(rows, ROWS_OF_PDF)):
        shown = [[(column, text_of(value)) for column, value in row.items()] for row in part]
        yield File(f"{name}-{number:04}.pdf", [typeset(f"{name}, part {number}", shown)])
        number += 1


def text_of(value: object) -> str:
    """A value as text; what is none is empty."""
    plain = _plain(value)
    if plain is None:
        return ""
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if value is None or isinstance(value, bool | int | float | str | dict | list):
        return value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)

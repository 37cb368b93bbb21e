"""Imports time entries from CSV: a bad row is named, and stops no other; a file again changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from app.domains.billing.time_capture.imports.columns import COLUMNS, Row
from app.domains.billing.time_capture.imports.loading import Imported, load
from app.errors import InvalidInput
from app.values.csv_file import Problem, Reading, UnusableFile, read_records, read_text
from app.values.text import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.orm import Session

    from app.domains.billing.time_capture.imports.naming import Importer
    from app.values.csv_file import Record

#: Rows that one transaction writes: on SQLite, others wait meanwhile.
CHUNK = 500
MAX_LINES = 200_000
MAX_BYTES = 64 * 1024 * 1024
PART_BYTES = 1024 * 1024


class TooMuch(InvalidInput):
    """Raised for a file that is too large to be imported at once."""

    code = "too_much"

    def __init__(self, *, name: str, what: str) -> None:
        super().__init__(f"{name} has more than {what}. Nothing was imported: split it into several files.")


class RowsLeftOut(InvalidInput):
    """Raised to a script when not every row of a file was imported."""

    code = "rows_left_out"

    def __init__(self, *, count: int) -> None:
        rows = "1 row was" if count == 1 else f"{count} rows were"
        super().__init__(f"{rows} left out; the others are imported. Correct them and import the file again.")


@dataclass(frozen=True, kw_only=True)
class Source:
    """What is to be imported."""

    name: str
    records: Iterator[Record | Problem]

    @classmethod
    def of_file(cls, path: Path) -> Source:
        """A file. Raises `TooMuch`, and `UnusableFile` where there is none."""
        try:
            _check_length(path.name, _parts(path))
        except OSError as error:
            raise UnusableFile(path=path, problem=f"{error.strerror}.") from None
        return cls(name=path.name, records=_opened(path))

    @classmethod
    def of_text(cls, text: str, *, name: str) -> Source:
        """A text that somebody sent. Raises `TooMuch`."""
        _check_length(name, [text.encode()])
        return cls(name=name, records=read_text(text, _READING, name=name))


_READING = Reading(columns=COLUMNS, at_byte=lambda _: None, notice=lambda _: None, strict=True)


def _opened(path: Path) -> Iterator[Record | Problem]:
    try:
        yield from read_records(path, _READING)
    except OSError as error:
        raise UnusableFile(path=path, problem=f"{error.strerror}.") from None


def import_entries(
    source: Source,
    *,
    importer: Importer,
    transaction: Callable[[], AbstractContextManager[Session]],
    now: datetime,
    tell: Callable[[Problem], None],
) -> Imported:
    """Import what `source` has, some rows in each transaction; `tell` hears of each row that is left out.

    Raises `UnusableFile` before anything was written.
    """
    checked = _Checked(source=source, tell=tell)
    rows = checked.rows()
    while chunk := list(islice(rows, CHUNK)):
        with transaction() as session:
            load(session, chunk, importer=importer, now=now, done=checked.done, refuse=checked.refuse)
    return checked.done


def _check_length(name: str, parts: Iterable[bytes]) -> None:
    """Raise `TooMuch` for more bytes or lines than are imported at once; a row has one line."""
    size = lines = 0
    for part in parts:
        size += len(part)
        lines += max(part.count(b"\n"), part.count(b"\r"))
        if size > MAX_BYTES:
            raise TooMuch(name=name, what=f"{MAX_BYTES // 1024 // 1024} MiB")
        if lines > MAX_LINES:
            raise TooMuch(name=name, what=f"{MAX_LINES} lines")


def _parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(PART_BYTES):
            yield part


@dataclass(kw_only=True)
class _Checked:
    """The rows of a file that can be used, and what is told of the others."""

    source: Source
    tell: Callable[[Problem], None]
    done: Imported = field(default_factory=Imported)
    #: The line of each key.
    seen: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def rows(self) -> Iterator[Row]:
        """Each row whose key is new in this file."""
        for found in self.source.records:
            if isinstance(found, Problem):
                self.refuse(found.line, found.reason)
                continue
            row = Row.of(found)
            first = self.seen.setdefault((row.client, row.project, row.key), row.line)
            if first != row.line:
                reason = f"the key {quoted(row.key)} is on line {first} already; keep one of them"
                self.refuse(row.line, reason)
                continue
            yield row

    def refuse(self, line: int, reason: str) -> None:
        """Count a row that is left out, and tell why."""
        self.done.refused += 1
        self.tell(Problem(file=self.source.name, line=line, reason=reason))

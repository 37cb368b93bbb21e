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
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.orm import Session

    from app.domains.billing.time_capture.imports.naming import Importer
    from app.values.csv_file import Record

#: Rows that one transaction writes: on SQLite, others wait meanwhile.
CHUNK = 500
MAX_ROWS = 200_000
MAX_BYTES = 64 * 1024 * 1024


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
    """What is to be imported; `records` reads it anew each time."""

    name: str
    records: Callable[[], Iterator[Record | Problem]]

    @classmethod
    def of_file(cls, path: Path) -> Source:
        """A file. Raises `TooMuch`, and `UnusableFile` where there is none."""
        try:
            size = path.stat().st_size
        except OSError as error:
            raise UnusableFile(path=path, problem=f"{error.strerror}.") from None
        if size > MAX_BYTES:
            raise TooMuch(name=path.name, what=f"{MAX_BYTES // 1024 // 1024} MiB")
        return cls(name=path.name, records=lambda: _opened(path))

    @classmethod
    def of_text(cls, text: str, *, name: str) -> Source:
        """A text that somebody sent."""
        return cls(name=name, records=lambda: read_text(text, _READING, name=name))


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

    Raises `TooMuch` and `UnusableFile` before anything was written.
    """
    _check_length(source)
    checked = _Checked(source=source, tell=tell)
    rows = checked.rows()
    while chunk := list(islice(rows, CHUNK)):
        with transaction() as session:
            load(session, chunk, importer=importer, now=now, done=checked.done, refuse=checked.refuse)
    return checked.done


def _check_length(source: Source) -> None:
    if sum(1 for _ in islice(source.records(), MAX_ROWS + 1)) > MAX_ROWS:
        raise TooMuch(name=source.name, what=f"{MAX_ROWS} rows")


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
        for found in self.source.records():
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

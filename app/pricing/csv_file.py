"""Reads a CSV file strictly: each record with its line, each fault as a problem with its line."""

from __future__ import annotations

import csv
import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from app.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

#: More than any sane line; what is longer is read in pieces, so that memory stays flat.
LONGEST_LINE = 1_000_000
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column that a file may have; one that is not required may be absent or blank."""

    name: str
    parse: Callable[[str], object]
    required: bool = True


@dataclass(frozen=True, kw_only=True)
class Record:
    """A row that can be used: its values in the order of the columns."""

    line: int
    values: tuple[object, ...]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A row that cannot be used, and why."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


class BadValue(ValueError):
    """Raised by a column's `parse`; says what is wrong with the value."""


class UnusableFile(InvalidInput):
    """Raised for a file of which no row can be read."""

    code = "unusable_file"

    def __init__(self, *, path: Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")


def read_records(
    path: Path, *, columns: Sequence[Column], at_byte: Callable[[int], None]
) -> Iterator[Record | Problem]:
    """Every row of `path`. Blank lines are passed over; a byte order mark and any line end are understood."""
    _refuse_other_encodings(path)
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader(_lines(file, at_byte=at_byte), strict=True)
        order: list[Column] | None = None
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                yield Problem(file=path.name, line=line, reason=_in_words(error))
                continue
            if not any(cell.strip() for cell in cells):
                continue
            if order is None:
                order = _header(path, cells, columns=columns)
                continue
            yield _record(path, cells, line=line, order=order, columns=columns)
    if order is None:
        raise UnusableFile(path=path, problem=f"the file is empty. Its first line must be: {_names(columns)}")


def _refuse_other_encodings(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(2) in UTF16_MARKS:
            raise UnusableFile(path=path, problem="the file is UTF-16. Save it as CSV in UTF-8.")


def _lines(file: TextIO, *, at_byte: Callable[[int], None]) -> Iterator[str]:
    while line := file.readline(LONGEST_LINE):
        at_byte(file.buffer.tell())
        yield line


def _in_words(error: csv.Error) -> str:
    said = str(error)
    if "unexpected end of data" in said or "field larger" in said:
        return 'a quoted field that begins here never ends. Close it with ", or double a " that is text.'
    if "NUL" in said:
        return "the line holds a NUL byte. Save the file as plain UTF-8 text."
    return f"the line is not CSV ({said}). Double each quote inside a quoted field."


def _names(columns: Sequence[Column]) -> str:
    return ",".join(column.name for column in columns)


def _header(path: Path, cells: list[str], *, columns: Sequence[Column]) -> list[Column]:
    names = [cell.strip() for cell in cells]
    for separator in (";", "\t"):
        if len(names) == 1 and separator in names[0]:
            shown = "semicolons" if separator == ";" else "tabs"
            raise UnusableFile(path=path, problem=f"the columns are separated by {shown}. Use commas.")
    known = {column.name: column for column in columns}
    problems = [_unknown(name, known=list(known)) for name in names if name not in known]
    problems += [f'the column "{name}" stands there twice' for name in known if names.count(name) > 1]
    problems += [
        f'the column "{name}" is missing' for name in known if known[name].required and name not in names
    ]
    if problems:
        raise UnusableFile(path=path, problem=f"{'; '.join(problems)}. The header must be: {_names(columns)}")
    return [known[name] for name in names]


def _unknown(name: str, *, known: list[str]) -> str:
    near = difflib.get_close_matches(name.lower(), known, n=1)
    hint = f', did you mean "{near[0]}"?' if near else ""
    return f'the column "{_printable(name)}" is not known{hint}'


def _record(
    path: Path, cells: list[str], *, line: int, order: list[Column], columns: Sequence[Column]
) -> Record | Problem:
    if len(cells) != len(order):
        reason = f"the row has {len(cells)} cells, the header {len(order)}"
        return Problem(file=path.name, line=line, reason=reason)
    given = {column: cell.strip() for column, cell in zip(order, cells, strict=True)}
    values, faults = [], []
    for column in columns:
        try:
            values.append(_value(column, given.get(column, "")))
        except BadValue as fault:
            faults.append(f"{column.name} {fault}")
    if faults:
        return Problem(file=path.name, line=line, reason="; ".join(faults))
    return Record(line=line, values=tuple(values))


def _value(column: Column, text: str) -> object:
    if not text:
        if column.required:
            raise BadValue("is blank")
        return None
    if any("\udc80" <= character <= "\udcff" for character in text):
        raise BadValue(f'"{_printable(text)}" is not UTF-8; save the file as UTF-8')
    if not text.isprintable():
        raise BadValue(f'"{_printable(text)}" holds a control character; remove it')
    return column.parse(text)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)[:80]

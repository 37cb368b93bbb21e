"""Reads CSV strictly: each record with its line, each fault as a problem with its line."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from app.errors import InvalidInput
from app.values.nearest import did_you_mean
from app.values.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

#: More than any sane line; what is longer is read in pieces, so that memory stays flat.
LONGEST_LINE = 8_000_000
#: Wide enough for whatever stands in a column that is passed over.
LONGEST_FIELD = 4_000_000
csv.field_size_limit(LONGEST_FIELD)
#: What Excel writes above the header, with the separator behind it.
SEPARATOR_LINE = "sep="
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
BYTE_ORDER_MARK = "\ufeff"


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


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a file is read, and who is told what on the way."""

    columns: Sequence[Column]
    #: Bytes read so far.
    at_byte: Callable[[int], None]
    #: Sentences on what is passed over.
    notice: Callable[[str], None]
    #: Whether a column that is not known is refused rather than passed over.
    strict: bool = False


def read_records(path: Path, reading: Reading) -> Iterator[Record | Problem]:
    """Every row of `path`. Blank lines are passed over; a byte order mark and any line end are understood.

    So is what Excel adds: a line "sep=," above the header, and blank cells behind the last column.
    """
    _refuse_other_encodings(path)
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        yield from _rows(path, _lines(file, at_byte=reading.at_byte), reading=reading)


def read_text(text: str, reading: Reading, *, name: str) -> Iterator[Record | Problem]:
    """As `read_records`, of a text that is there, and is called `name` in problems."""
    return _rows(Path(name), StringIO(text.removeprefix(BYTE_ORDER_MARK), newline=""), reading=reading)


def _rows(path: Path, lines: Iterable[str], *, reading: Reading) -> Iterator[Record | Problem]:
    reader = csv.reader(lines, strict=True)
    order: list[Column | None] | None = None
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            yield Problem(file=path.name, line=line, reason=_in_words(error))
            continue
        filled = _without_blank_end(cells)
        if not filled:
            continue
        if order is None:
            order = None if _is_separator_line(filled) else _header(path, filled, reading=reading)
            continue
        yield _record(path, cells, line=line, order=order, columns=reading.columns)
    if order is None:
        first = _names(reading.columns)
        raise UnusableFile(path=path, problem=f"the file is empty. Its first line must be: {first}")


def _without_blank_end(cells: list[str]) -> list[str]:
    count = len(cells)
    while count and not cells[count - 1].strip():
        count -= 1
    return cells[:count]


def _is_separator_line(cells: list[str]) -> bool:
    # Its comma is a separator by now; another separator is told of as that of the header is.
    return len(cells) == 1 and cells[0].strip().lower() == SEPARATOR_LINE


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
    if "field larger" in said:
        return (
            f"a field that begins here is longer than {LONGEST_FIELD} characters, or its closing quote is "
            'missing. Shorten it, or close it with ", and double a " that is text.'
        )
    if "unexpected end of data" in said:
        return 'a quoted field that begins here never ends. Close it with ", or double a " that is text.'
    if "NUL" in said:
        return "the line holds a NUL byte. Save the file as plain UTF-8 text."
    return f"the line is not CSV ({said}). Double each quote inside a quoted field."


def _names(columns: Sequence[Column]) -> str:
    return ",".join(column.name for column in columns)


def _header(path: Path, cells: list[str], *, reading: Reading) -> list[Column | None]:
    """The columns in the order of the file; None for one that is passed over."""
    names = [cell.strip() for cell in cells]
    for separator in (";", "\t"):
        if len(names) == 1 and separator in names[0]:
            shown = "semicolons" if separator == ";" else "tabs"
            raise UnusableFile(path=path, problem=f"the columns are separated by {shown}. Use commas.")
    known = {column.name: column for column in reading.columns}
    unknown = [_unknown(name, known=list(known)) for name in names if name not in known]
    problems = [f'the column "{name}" appears twice' for name in known if names.count(name) > 1]
    problems += [
        f'the column "{name}" is missing' for name in known if known[name].required and name not in names
    ]
    if problems or (unknown and reading.strict):
        said = "; ".join([*unknown, *problems])
        raise UnusableFile(path=path, problem=f"{said}. The header must be: {_names(reading.columns)}")
    for sentence in unknown:
        reading.notice(f"{path.name}: {sentence}; it is ignored.")
    return [known.get(name) for name in names]


def _unknown(name: str, *, known: list[str]) -> str:
    hint = did_you_mean(name.lower(), known)
    sentence = f'the column "{_printable(name)}" is not known'
    return f"{sentence}, {hint[0].lower()}{hint[1:]}" if hint else sentence


def _record(
    path: Path, cells: list[str], *, line: int, order: list[Column | None], columns: Sequence[Column]
) -> Record | Problem:
    if not len(_without_blank_end(cells)) <= len(order) <= len(cells):
        reason = f"the row has {len(cells)} cells, the header {len(order)}"
        return Problem(file=path.name, line=line, reason=reason)
    given = {column: cell.strip() for column, cell in zip(order, cells, strict=False) if column}
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
    try:
        text = one_line(text)
    except ValueError as error:
        raise BadValue(f'"{_printable(text)}" cannot be used: {error}') from None
    return column.parse(text)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)[:80]

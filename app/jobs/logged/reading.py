"""The log of a job as people and programs read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.jobs.logged.models import JobLog
from app.values.text import printable
from app.values.typed_json import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Row, Select
    from sqlalchemy.orm import Session

#: So many chunks are read at a time.
READ_AT_ONCE = 20
#: What stands for a line that nobody foresaw.
UNREADABLE = "This line cannot be read."


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """What was logged at one time."""

    #: That of its attempt.
    fence: int
    at: datetime | None
    level: str
    logger: str
    message: str
    #: How many lines before it were not kept.
    left_out: int = 0


def lines_of(session: Session, *, job_id: str) -> list[LogLine]:
    """All that is kept, from the first attempt to the last."""
    chunks = session.execute(_chunks(job_id).order_by(JobLog.fence, JobLog.first)).all()
    return list(_lines(chunks))


def last_lines(session: Session, *, job_id: str, most: int) -> tuple[list[LogLine], bool]:
    """The last ones, and whether there are others before them."""
    newest = _chunks(job_id).order_by(JobLog.fence.desc(), JobLog.first.desc())
    chunks: list[Row[Any]] = []
    while sum(_length(chunk.lines) for chunk in chunks) <= most:
        more = session.execute(newest.offset(len(chunks)).limit(READ_AT_ONCE)).all()
        chunks += more
        if len(more) < READ_AT_ONCE:
            break
    lines = list(_lines(reversed(chunks)))
    return lines[-most:], len(lines) > most


def as_text(lines: Iterable[LogLine]) -> Iterator[str]:
    """Each line for a file or a terminal; what a message has of further lines is indented."""
    for line in lines:
        if line.left_out:
            yield f"[{line.left_out:,} lines left out]"
        at = line.at.isoformat(timespec="milliseconds").replace("+00:00", "Z") if line.at else "-"
        message = printable(line.message).replace("\n", "\n    ")
        yield f"{at} attempt {line.fence} {printable(f'{line.level} {line.logger}')}: {message}"


def _chunks(job_id: str) -> Select[Any]:
    return select(JobLog.fence, JobLog.first, JobLog.lines).where(JobLog.job_id == job_id)


def _length(lines: object) -> int:
    return len(lines) if isinstance(lines, list) else 1


def _lines(chunks: Iterable[Row[Any]]) -> Iterator[LogLine]:
    fence, expected = 0, 0
    for chunk in chunks:
        if chunk.fence != fence:
            fence, expected = chunk.fence, 0
        given: Sequence[Any] = chunk.lines if isinstance(chunk.lines, list) else [None]
        # Of a chunk whose answer was lost, some may have been written again with later ones.
        for number, line in enumerate(given, start=chunk.first):
            if number >= expected:
                yield _line(line, fence=fence, left_out=number - expected)
                expected = number + 1


def _line(given: Any, *, fence: int, left_out: int) -> LogLine:
    try:
        at, level, logger, message = given
        moment = datetime.fromtimestamp(at, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        moment, level, logger, message = None, "", "", UNREADABLE
    said = {"level": shown(str(level)), "logger": shown(str(logger)), "message": shown(str(message))}
    return LogLine(fence=fence, at=moment, left_out=left_out, **said)

"""What a job tells of itself while it runs: how far it is, and its log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from app.console.questions import looking
from app.jobs.logged import reading
from app.jobs.service import find_job
from app.jobs.web import permissions
from app.logs.masking import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.jobs.logged.reading import LogLine
    from app.jobs.views import JobDetail
    from app.tokens.callers import Caller

#: What tasks call the part that is done of a `total`.
DONE = ("done", "current", "completed")
#: No bar is drawn for more.
MOST = 1e15
#: Of its log so many lines, and of each message so many characters; a file has the rest.
MAX_LINES, MAX_MESSAGE = 100, 500


@dataclass(frozen=True, kw_only=True)
class Far:
    """How far it is, where what it reports says that in a way that is understood."""

    done: float
    total: float


@dataclass(frozen=True, kw_only=True)
class Log:
    """The last lines that it has logged, and whether a file has more of them."""

    lines: Sequence[LogLine]
    is_cut: bool


def far_of(progress: Any) -> Far | None:
    """How far a job is that reports this, by the names that are customary."""
    if not isinstance(progress, dict):
        return None
    done, total = _number(progress, *DONE), _number(progress, "total")
    if done is None or not total or done > total:
        return None
    return Far(done=done, total=total)


def log_of(session: Session, job: JobDetail) -> Log:
    """What its page shows of its log."""
    if job.hidden_without:
        return Log(lines=(), is_cut=False)
    lines, are_more = reading.last_lines(session, job_id=job.id, most=MAX_LINES)
    short = [replace(line, message=shortened(line.message, most=MAX_MESSAGE)) for line in lines]
    return Log(lines=short, is_cut=are_more or short != lines)


def log_text(job_id: str, *, caller: Caller) -> str:
    """All that is kept of its log, as far as `caller` may see it. Raises `JobNotFound` and `CutOff`."""
    with looking() as session:
        if permissions.hidden_without(find_job(session, job_id=job_id).task, caller=caller):
            return ""
        lines = reading.lines_of(session, job_id=job_id)
    return "".join(f"{line}\n" for line in reading.as_text(lines))


def _number(progress: dict[str, Any], *names: str) -> float | None:
    found = next((progress[name] for name in names if name in progress), None)
    if not isinstance(found, int | float) or isinstance(found, bool):
        return None
    return found if 0 <= found <= MOST else None

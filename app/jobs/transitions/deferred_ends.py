"""Ends that the worker's main process has to report while the database is away: its heartbeat writes them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import structlog

from app.db import outages

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)


class End(NamedTuple):
    """What is to be written of a job, and what if that cannot be."""

    job_id: str
    write: Callable[[], None]
    otherwise: Callable[[Exception], None] | None


_WAITING: deque[End] = deque()
_listeners: list[Callable[[], None]] = []


def listen(notice: Callable[[], None]) -> None:
    """Have `notice` called when an end has to wait."""
    _listeners.append(notice)


def write(
    end: Callable[[], None], *, job_id: str, otherwise: Callable[[Exception], None] | None = None
) -> None:
    """Write an end, now or once the database is there; with `otherwise`, what kept it from being written."""
    found = End(job_id, end, otherwise)
    if not _write(found):
        _WAITING.append(found)
        log.warning("end_waits_for_database", job_id=job_id)
        for notice in _listeners:
            notice()


def write_waiting() -> None:
    """Write what had to wait, oldest first, until the database is away again."""
    while _WAITING and _write(_WAITING[0]):
        _WAITING.popleft()


def is_any_waiting() -> bool:
    """Whether an end is still to be written."""
    return bool(_WAITING)


def _write(end: End) -> bool:
    """Whether this is done with."""
    try:
        _write_somehow(end)
    except Exception as error:
        if outages.is_transient(error):
            return False
        # Now the lease has to end by itself.
        log.exception("end_not_written", job_id=end.job_id)
    return True


def _write_somehow(end: End) -> None:
    try:
        end.write()
    except Exception as error:
        if end.otherwise is None or outages.is_transient(error):
            raise
        log.exception("end_not_written", job_id=end.job_id)
        end.otherwise(error)

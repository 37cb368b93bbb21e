"""The progress of one job as server-sent events, at a bounded cost per listener and per process."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import anyio
from starlette.concurrency import run_in_threadpool

from app.db import reading
from app.errors import Unavailable
from app.jobs import service
from app.jobs.schemas import JobSummary
from app.problems import DATABASE_DOWN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

#: The ledger is asked this often while a job changes, and ever more seldom while it does not.
SHORTEST_WAIT = timedelta(milliseconds=250)
LONGEST_WAIT = timedelta(seconds=3)
#: A listener comes back by itself after this, with its token checked anew.
LONGEST_STREAM = timedelta(minutes=10)
HEARTBEAT = timedelta(seconds=15)
RECONNECT = timedelta(seconds=1)
MAX_STREAMS = 100
_open: set[object] = set()
_ends: list[Callable[[], bool]] = []


class TooManyStreams(Unavailable):
    """Raised when a process follows as many jobs as it may."""

    code = "too_many_streams"

    def __init__(self) -> None:
        super().__init__(f"{MAX_STREAMS} listeners are connected here. Try again, or ask for the job itself.")


def refuse_when_full() -> None:
    """Raise `TooManyStreams` when no further listener fits."""
    if len(_open) >= MAX_STREAMS:
        raise TooManyStreams


def end_when(stopping: Callable[[], bool]) -> None:
    """End all streams once `stopping` is true; a server that stops waits for its answers to end."""
    _ends.append(stopping)


async def events_of(job_id: str) -> AsyncIterator[dict[str, Any]]:
    """An event `job` for each change, then `end` once the job changes no more."""
    listener = object()
    _open.add(listener)
    try:
        async for event in _follow(job_id):
            yield event
    finally:
        _open.discard(listener)


async def _follow(job_id: str) -> AsyncIterator[dict[str, Any]]:
    seen: JobSummary | None = None
    wait, until = SHORTEST_WAIT, time.monotonic() + LONGEST_STREAM.total_seconds()
    while time.monotonic() < until and not any(stopping() for stopping in _ends):
        job = await run_in_threadpool(_look, job_id)
        wait = min(wait * 1.5, LONGEST_WAIT)
        if job is not None and job != seen:
            seen, wait = job, SHORTEST_WAIT
            yield _event("job", job)
        if job is not None and job.state.is_terminal:
            yield _event("end", job)
            return
        await anyio.sleep(wait.total_seconds())


def _event(name: str, job: JobSummary) -> dict[str, Any]:
    return {
        "event": name,
        "data": job.model_dump_json(),
        "retry": int(RECONNECT.total_seconds() * 1000),
    }


def _look(job_id: str) -> JobSummary | None:
    """The job now; None while the database does not answer."""
    try:
        with reading() as session:
            return JobSummary.model_validate(service.find_job(session, job_id=job_id))
    except DATABASE_DOWN:
        return None

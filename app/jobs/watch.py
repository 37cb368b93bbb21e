"""Waits for a job and shows how far it is."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from app.db.sessions import reading
from app.errors import GroundworkError
from app.jobs.ledger.models import State
from app.jobs.service import find_job
from app.terminal import error_console, say_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.jobs.ledger.models import Job

POLL = timedelta(milliseconds=250)


class StillRunning(GroundworkError):
    """Raised when a job did not end in the time given."""

    code = "still_running"

    def __init__(self, *, job_id: str, state: str, waited: timedelta) -> None:
        super().__init__(
            f"Job {job_id} is still {state} after {waited.total_seconds():.0f} s. It goes on; wait again, "
            f"or look at it: groundwork jobs show {job_id}"
        )


def watch(job_id: str, *, timeout: timedelta | None) -> Job:
    """The job once it is terminal, with a progress bar meanwhile on a terminal."""
    terminal = error_console().is_terminal
    if not terminal:
        say_error(f"Waiting for job {job_id}.")
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[share]}"),
        TimeElapsedColumn(),
        console=error_console(),
        transient=True,
        disable=not terminal,
    )
    with bar:
        line = bar.add_task("", total=None, share="")
        for job in _looks(job_id, timeout=timeout):
            progress = job.progress if isinstance(job.progress, dict) else {}
            done, total = progress.get("done"), progress.get("total")
            share = f"{done} of {total}" if done is not None and total is not None else ""
            bar.update(
                line, description=f"{job.task} {job.state}", completed=done or 0, total=total, share=share
            )
            if State(job.state).is_terminal:
                return job
    raise AssertionError("looking ends with a terminal job or an error")


def _looks(job_id: str, *, timeout: timedelta | None) -> Iterator[Job]:
    started = time.monotonic()
    while True:
        with reading() as session:
            job = find_job(session, job_id=job_id)
        yield job
        if timeout is not None and time.monotonic() - started > timeout.total_seconds():
            raise StillRunning(job_id=job_id, state=job.state, waited=timeout)
        time.sleep(POLL.total_seconds())

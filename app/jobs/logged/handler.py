"""Hands what is logged while a job runs to its log, from whichever thread carries the job's context."""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING

from app.jobs.ledger import retrying
from app.jobs.logged import line, writer
from app.jobs.logged.buffer import Buffer
from app.jobs.transitions import attempt

if TYPE_CHECKING:
    from app.jobs.transitions.attempt import RunningJob

_making = threading.Lock()
#: Whether this thread makes a line: what a value logs while it is shown would have it made without end.
_here = threading.local()


class JobLogHandler(logging.Handler):
    """For the root logger of a worker's processes. It raises nothing but what interrupts the body."""

    def handle(self, record: logging.LogRecord) -> bool:
        """As logging's, without its lock: threads that run different jobs need not wait for each other."""
        job = attempt.current()
        if job is not None and not getattr(_here, "is_busy", False):
            _keep(job, record)
        return True


def _keep(job: RunningJob, record: logging.LogRecord) -> None:
    try:
        _here.is_busy = True
        buffer = job.log or _begin(job)
        if buffer is not None and buffer.pid == os.getpid():
            buffer.add(line.encoded(record, hidden=buffer.hidden))
    except Exception as error:
        if retrying.is_interruption(error):
            raise
    finally:
        _here.is_busy = False


def _begin(job: RunningJob) -> Buffer | None:
    if not job.has_row:
        return None
    with _making:
        if job.log is None:
            request = job.request
            given = (*(request.args or ()), *(request.kwargs or {}).values()) if request is not None else ()
            job.log = Buffer(
                job_id=job.id, fence=job.fence, writer=writer.current(), hidden=line.secrets_in(given)
            )
        return job.log

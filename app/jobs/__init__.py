"""Jobs: work that was accepted once and is accounted for until it is done. The public face of the ledger."""

from __future__ import annotations

from app.jobs import control  # noqa: F401 (workers learn its command)
from app.jobs.attempt import checkpoint, job_session
from app.jobs.errors import PermanentError, RetryableError
from app.jobs.registry import Retry
from app.jobs.task import task

__all__ = ["PermanentError", "Retry", "RetryableError", "checkpoint", "job_session", "task"]

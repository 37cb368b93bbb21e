"""What the worker's main process holds of a message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery.worker.request import Request

from app.envelope import LEDGER_HEADER

if TYPE_CHECKING:
    from typing import Literal


class OutOfMemory(Exception):
    """Stands for the `MemoryError` of a body, whose end its child has recorded."""


class JobRequest(Request):
    """Leaves it to the ledger whether a job has expired: its clock decides, not this host's.

    A claim refuses an expired job, and beat cancels it.
    """

    def maybe_expire(self) -> Literal[True] | None:
        """Whether Celery is to refuse the job."""
        return None if self.request_dict.get(LEDGER_HEADER) else super().maybe_expire()

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> Any:
        """As Celery's, which ends the whole worker where a body in one child has run out of memory."""
        error = exc_info.exception
        if isinstance(getattr(error, "exc", error), MemoryError):
            exc_info.exception = OutOfMemory(str(error))
        celery: Any = super()
        return celery.on_failure(exc_info, send_failed_event=send_failed_event, return_ok=return_ok)

"""What the worker's main process holds of a message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery.exceptions import InvalidTaskError
from celery.worker.request import Request

from app.jobs.celery import compat
from app.jobs.ledger.encoding import sentence
from app.jobs.publish.headers import LEDGER_HEADER
from app.settings.config import settings

if TYPE_CHECKING:
    from typing import Literal


class OutOfMemory(Exception):
    """Stands for the `MemoryError` of a body, whose end its child has recorded."""


class JobRequest(Request):
    """Leaves it to the ledger whether a job was cancelled, or has expired by the database's clock.

    A claim refuses such a job, and beat cancels an expired one.
    """

    def __init__(self, message: Any, **options: Any) -> None:
        """As Celery's, which a message with headers of odd types would end the whole worker in."""
        try:
            super().__init__(message, **options)
        except InvalidTaskError:
            raise
        except Exception as error:
            raise InvalidTaskError(f"Its headers cannot be read: {sentence(error)}") from error
        # A message brings the limits that held when it was sent; who raises them means its retries, too.
        self.time_limits = settings().time_limits.get(self.type, self.time_limits)

    def revoked(self) -> bool:
        """Whether Celery is to refuse the job; an id in this worker's memory would outlive a retry."""
        if self.request_dict.get(LEDGER_HEADER):
            compat.forget_revoked(self.id)
        return bool(super().revoked())

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

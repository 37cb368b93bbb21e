"""What the worker's main process holds of a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from celery.worker.request import Request

from app.envelope import LEDGER_HEADER

if TYPE_CHECKING:
    from typing import Literal


class JobRequest(Request):
    """Leaves it to the ledger whether a job has expired: its clock decides, not this host's.

    A claim refuses an expired job, and beat cancels it.
    """

    def maybe_expire(self) -> Literal[True] | None:
        """Whether Celery is to refuse the job."""
        return None if self.request_dict.get(LEDGER_HEADER) else super().maybe_expire()

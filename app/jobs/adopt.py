"""Messages of producers that know nothing of the ledger: such a job gets its row before it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from app.envelope import LEDGER_HEADER
from app.jobs import attempt, send

if TYPE_CHECKING:
    from app.jobs.attempt import RunningJob

log = structlog.get_logger(__name__)


def begin_foreign(request: Any, *, worker: str) -> RunningJob | None:
    """Accept the job of a message that was not made here, and claim it.

    None for a message that was: its job is finished, held, or moved on.
    """
    if request.get(LEDGER_HEADER):
        return None
    delivery = request.delivery_info or {}
    # A due time in the message has come, or Celery would not run it yet.
    options = request.as_execution_options() | {
        "queue": delivery.get("routing_key"),
        "priority": delivery.get("priority"),
    }
    if attempt.accept_foreign(send.job_of(request.task, request.args, request.kwargs, options)):
        log.info("job_adopted", job_id=request.id, task=request.task, origin=request.origin)
    return attempt.begin(job_id=request.id, attempt=0, worker=worker)

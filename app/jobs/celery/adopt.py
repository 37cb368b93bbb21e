"""Messages of producers that know nothing of the ledger: such a job gets its row before it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from celery.app.task import Context

from app.db.sessions import transaction
from app.jobs.celery import chords, send
from app.jobs.declaration import options
from app.jobs.ledger.encoding import exception, sentence
from app.jobs.ledger.retrying import with_retry
from app.jobs.publish.headers import LEDGER_HEADER
from app.jobs.transitions import attempt

if TYPE_CHECKING:
    from app.jobs.transitions.attempt import RunningJob

log = structlog.get_logger(__name__)


def begin_foreign(request: Any, *, worker: str) -> RunningJob | None:
    """Accept the job of a message that was not made here, and claim it.

    None for a message that was: its job is finished, held, or moved on. None, too, for one that asks for
    what the ledger does not keep: its job is dead.
    """
    if request.get(LEDGER_HEADER):
        return None
    delivery = request.delivery_info or {}
    # A due time in the message has come, or Celery would not run it yet.
    given = request.as_execution_options() | {
        "queue": delivery.get("routing_key"),
        "priority": delivery.get("priority"),
    }
    try:
        job = send.job_of(request.task, request.args, request.kwargs, options.of_message(given))
    except Exception as refusal:  # whatever an option of any shape makes it stumble over
        _insert_dead(request, refusal)
        return None
    if attempt.accept_foreign(job):
        log.info("job_adopted", job_id=request.id, task=request.task, origin=request.origin)
    return attempt.begin(job_id=request.id, attempt=0, worker=worker, request=request)


def _insert_dead(request: Any, refusal: Exception) -> None:
    """A dead row that says why: the message is gone with this, and nobody waits for its answer."""
    asked = Context({"task": request.task})

    def write() -> None:
        with transaction() as session:
            chords.insert_dead_placeholder(
                session, job_id=request.id, request=asked, result=exception(refusal)
            )

    with_retry(write)
    log.warning("job_not_adopted", job_id=request.id, task=request.task, error=sentence(refusal))

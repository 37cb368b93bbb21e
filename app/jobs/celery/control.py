"""Cancelling: in the ledger, and then at the worker, which is told to stop the attempt.

Celery's own `revoke` would make every worker refuse the job's id for hours, so that it could not be
retried, and would be forgotten when they restart. Telling the worker is a courtesy: the lost lease
already keeps the attempt from having an effect.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from celery.app.control import Control
from celery.worker.control import control_command
from kombu.pidbox import Mailbox
from kombu.utils.functional import maybe_list

from app.jobs.cancelling import purge
from app.jobs.celery import compat, heartbeat
from app.jobs.celery.application import celery_app
from app.jobs.celery.batches.lookahead import stop_claimed
from app.jobs.celery.non_durable import failures
from app.jobs.celery.results import surrounding_transaction
from app.jobs.celery.transport.purging import PURGES
from app.jobs.ledger.models import TERMINAL, Job, State
from app.jobs.service import JobStateConflict, cancel_job
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Sequence

log = structlog.get_logger(__name__)

COMMAND = "stop_attempt"
LOOK_COMMAND = "look_at_pauses"


@control_command(name=COMMAND, args=[("job_id", str)], signature="<job id>")
def stop_attempt(state: Any, job_id: str, **_: Any) -> dict[str, str]:
    """End the process that runs the job, if one of this worker's does."""
    for request in compat.running_requests():
        if request.id == job_id and request.worker_pid:
            log.info("attempt_stopped", job_id=job_id, pid=request.worker_pid)
            compat.stop_child(state.consumer.pool, request.worker_pid)
            return {"ok": "stopped"}
    if stop_claimed(job_id):
        return {"ok": "not begun"}
    return {"ok": "not here"}


@control_command(name="revoke", variadic="task_id", signature="[id1 [id2 [... [idN]]]]")
def revoke(
    state: Any,
    task_id: str | Sequence[str],
    terminate: bool = False,
    signal: str | None = None,
    **options: Any,
) -> dict[str, str]:
    """Cancel tasks by their ids; those that run only if `terminate` says so."""
    ids = list(maybe_list(task_id))
    non_durable = [job_id for job_id in ids if not _cancel(job_id, running=terminate)]
    if terminate:
        # Every worker is told this: the one that runs the job stops it.
        for job_id in ids:
            stop_attempt(state, job_id)
    if non_durable:
        compat.revoke(state, non_durable, terminate=terminate, signal=signal, **options)
    return {"ok": f"tasks {', '.join(ids)} cancelled, except what runs on or has ended"}


@control_command(
    name="terminate",
    variadic="task_id",
    args=[("signal", str)],
    signature="<signal> [id1 [id2 [... [idN]]]]",
)
def terminate(state: Any, signal: str, task_id: str | Sequence[str], **options: Any) -> dict[str, str]:
    """Cancel tasks by their ids, also those that run."""
    answer: dict[str, str] = revoke(state, task_id, terminate=True, signal=signal, **options)
    return answer


PURGES.append(purge)


@control_command(name=LOOK_COMMAND)
def look_at_pauses(state: Any, **_: Any) -> dict[str, str]:  # noqa: ARG001 (Celery gives it)
    """Have this worker ask at once which queues are paused."""
    heartbeat.beat_soon()
    return {"ok": "asked"}


def tell_of_pauses() -> bool:
    """Have all workers ask which queues are paused; those that do not hear it ask at their next heartbeat."""
    return _tell_all(LOOK_COMMAND, {})


def ask_to_stop(job_id: str) -> bool:
    """Ask all workers, without waiting for an answer; False when the broker does not take the question."""
    return _tell_all(COMMAND, {"job_id": job_id})


def _tell_all(command: str, arguments: dict[str, Any]) -> bool:
    try:
        url = settings().broker.for_kombu
        with celery_app.connection_for_write(url=url) as connection:
            exchange = celery_app.conf.control_exchange
            mailbox = Mailbox(exchange, type="fanout", serializer="json", connection=connection)
            mailbox.abcast(command, arguments)
    except failures() as error:
        log.warning("workers_not_told", command=command, **arguments, error=str(error))
        return False
    return True


class LedgerControl(Control):
    """Celery's remote control, where `revoke` cancels in the ledger what the ledger knows."""

    def revoke(
        self,
        task_id: str | Sequence[str],
        destination: Any = None,
        terminate: bool = False,
        signal: str = "SIGTERM",
        **options: Any,
    ) -> Any:
        """Cancel waiting jobs, with `terminate` running ones too; the rest is asked of the workers."""
        non_durable = [
            job_id for job_id in maybe_list(task_id) if not _cancel_and_stop(job_id, running=terminate)
        ]
        if non_durable:
            return super().revoke(non_durable, destination, terminate, signal, **options)
        return None


def _cancel_and_stop(job_id: str, *, running: bool) -> bool:
    known = _cancel(job_id, running=running)
    if known and running:
        ask_to_stop(job_id)
    return known


def _cancel(job_id: str, *, running: bool) -> bool:
    """Cancel a job, unless it has ended or runs and is to go on; False when it is none of the ledger's."""
    with surrounding_transaction() as session:
        job = session.get(Job, job_id)
        if job is None or job.state in TERMINAL or (job.state == State.RUNNING and not running):
            return job is not None
        with suppress(JobStateConflict):  # it ended meanwhile
            cancel_job(session, job_id=job_id, reason="revoked")
    return True

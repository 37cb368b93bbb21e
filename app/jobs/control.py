"""Tells workers to stop an attempt whose job was cancelled.

Celery's own `revoke` would make every worker refuse the job's id for hours, so that it could not be
retried. It is a courtesy: the lost lease already keeps the attempt from having an effect.
"""

from __future__ import annotations

from typing import Any

import redis
import structlog
from celery.worker import state as worker_state
from celery.worker.control import control_command
from kombu.exceptions import KombuError

log = structlog.get_logger(__name__)

COMMAND = "stop_attempt"


@control_command(name=COMMAND, args=[("job_id", str)], signature="<job id>")
def stop_attempt(state: Any, job_id: str, **_: Any) -> dict[str, str]:
    """End the process that runs the job, if one of this worker's does."""
    for request in tuple(worker_state.active_requests):
        if request.id == job_id and request.worker_pid:
            log.info("attempt_stopped", job_id=job_id, pid=request.worker_pid)
            state.consumer.pool.terminate_job(request.worker_pid, "TERM")
            return {"ok": "stopped"}
    return {"ok": "not here"}


def ask_to_stop(job_id: str) -> bool:
    """Ask all workers, without waiting for an answer; False when the broker does not take the question."""
    from app.celery_app import celery_app

    try:
        celery_app.control.broadcast(COMMAND, arguments={"job_id": job_id})
    except (KombuError, redis.RedisError, OSError) as error:
        log.warning("stop_not_sent", job_id=job_id, error=str(error))
        return False
    return True

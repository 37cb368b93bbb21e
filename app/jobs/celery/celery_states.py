"""A job as Celery's result clients see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import states

from app.jobs.ledger.models import State

if TYPE_CHECKING:
    from app.jobs.ledger.models import Job

#: Celery's customary name for the state of a task that reports progress.
PROGRESS = "PROGRESS"
#: Where a task's own state name is kept among its progress when it is another one.
STATE_KEY = "_state"
#: Where its information is kept when that is no object, or one with these very names.
INFO_KEY = "_info"


def state_of(job: Job) -> str:
    """Celery's name for the job's state."""
    match State(job.state):
        case State.SCHEDULED | State.READY:
            return str(states.RETRY if job.attempt else states.PENDING)
        case State.RUNNING if isinstance(job.progress, dict):
            return str(job.progress.get(STATE_KEY, PROGRESS))
        case State.RUNNING:
            return str(states.STARTED)
        case State.DONE:
            return str(states.SUCCESS)
        case State.DEAD:
            return str(states.FAILURE)
        case State.CANCELLED:
            return str(states.REVOKED)


def result_of(job: Job) -> Any:
    """What `AsyncResult.result` holds: the value, the failure as stored, or the progress."""
    match State(job.state):
        case State.DONE:
            return job.result
        case State.DEAD | State.CANCELLED:
            return job.result or {
                "exc_type": "Exception",
                "exc_message": [job.error],
                "exc_module": "builtins",
            }
        case State.RUNNING if isinstance(job.progress, dict):
            if INFO_KEY in job.progress:
                return job.progress[INFO_KEY]
            return {name: value for name, value in job.progress.items() if name != STATE_KEY}
        case _:
            return None


def progress_of(*, state: str, info: Any) -> dict[str, Any]:
    """What a task reports, as the ledger keeps it."""
    if not isinstance(info, dict) or info.keys() & {STATE_KEY, INFO_KEY}:
        return {STATE_KEY: state, INFO_KEY: info}
    return info if state == PROGRESS else {**info, STATE_KEY: state}

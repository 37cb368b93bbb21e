"""What is to become of a job, for each way an attempt can end other than done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.jobs.declaration import registry
from app.jobs.errors import UnknownTask
from app.jobs.ledger.models import Outcome, State
from app.jobs.transitions.apply import Transition
from app.settings.sources import PREFIX

if TYPE_CHECKING:
    from app.jobs.transitions.attempt import RunningJob

#: A job whose task asked for its message back runs again after so long.
REQUEUE_SECONDS = 1.0
#: One that the database's absence interrupted runs again at once, then after so long, twice that, and so on.
INTERRUPTION_SECONDS = 2.0


def moved(job: RunningJob, *, error: str | None = None, traceback: str | None = None) -> Transition:
    """The job goes on as its body asked, through `self.retry()` or `self.replace()`."""
    new = job.moved
    later = new is not None and (new.run_at is not None or new.delay_seconds > 0)
    return Transition(
        outcome=Outcome.RETRIED,
        state=State.SCHEDULED if later else State.READY,
        error=error,
        traceback=traceback,
        delay_seconds=new.delay_seconds if new else 0.0,
        run_at=new.run_at if new else None,
        moved=new,
    )


def released() -> Transition:
    """A worker that stops gives the job back; nobody failed."""
    return Transition(outcome=Outcome.RELEASED, state=State.READY, counts=False)


def interrupted(error: str, *, before: int) -> Transition:
    """The database was away and took the transaction with it; `before` times already. Nobody failed."""
    return Transition(
        outcome=Outcome.RELEASED,
        state=State.SCHEDULED if before else State.READY,
        error=error,
        delay_seconds=INTERRUPTION_SECONDS * before,
        counts=False,
    )


def requeued() -> Transition:
    """The body raised `Reject(requeue=True)`: not now, and no failure."""
    return Transition(
        outcome=Outcome.RELEASED, state=State.SCHEDULED, delay_seconds=REQUEUE_SECONDS, counts=False
    )


def held(partition: str) -> Transition:
    """The body may not go on before it is its turn, and nobody failed."""
    return Transition(outcome=Outcome.RELEASED, state=State.READY, counts=False, partition=partition)


def cancelled(reason: str) -> Transition:
    """Somebody called it off while it ran."""
    return Transition(outcome=Outcome.CANCELLED, state=State.CANCELLED, error=reason)


def dead(error: str, *, traceback: str | None = None, result: Any = None) -> Transition:
    """The job failed for good."""
    return Transition(
        outcome=Outcome.FAILED, state=State.DEAD, error=error, traceback=traceback, result=result
    )


def cut_off(*, task: str, seconds: float, result: Any = None) -> Transition | None:
    """Its hard time limit ended the attempt: the job is dead; None where the task declares otherwise."""
    if _retry_of(task).after_time_limit:
        return None
    error = f"TimeLimitExceeded: the task was killed at its hard time limit of {seconds:g} s. Give it more "
    where = f"(time_limit=..., or {PREFIX}TASK_TIME_LIMITS), "
    remedy = "or let it run again (retry=Retry(after_time_limit=True))."
    return dead(f"{error}{where}{remedy}", result=result)


def lost(*, task: str, attempt: int, max_attempts: int | None, error: str, result: Any = None) -> Transition:
    """The worker died under the job: again, at first at once; dead once that killed too many."""
    if max_attempts is not None and attempt >= max_attempts:
        return Transition(outcome=Outcome.LOST, state=State.DEAD, error=error, result=result)
    if attempt == 1:
        return Transition(outcome=Outcome.LOST, state=State.READY, error=error)
    wait = _retry_of(task).delay(attempt=attempt)
    return Transition(
        outcome=Outcome.LOST, state=State.SCHEDULED, error=error, delay_seconds=wait.total_seconds()
    )


def _retry_of(task: str) -> registry.Retry:
    """The task's policy; the usual one for a task that only a newer release knows."""
    try:
        return registry.spec_of(task).retry
    except UnknownTask:
        return registry.Retry()

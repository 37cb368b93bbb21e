"""What waits for a job: the body of its chord and the rest of its chain, however the job ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery.app.task import Context
from celery.exceptions import ChordError, TaskRevokedError
from kombu.utils import json
from sqlalchemy import insert, select, update

from app.db.clock import clock
from app.jobs.celery import compat
from app.jobs.declaration import registry
from app.jobs.ledger.encoding import text
from app.jobs.ledger.models import Job, JobGroup, State
from app.jobs.ledger.states import is_still
from app.jobs.transitions import apply, dependents, groups
from app.topology import Priority, Queue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from celery import Celery
    from sqlalchemy.orm import Session

    from app.jobs.celery.backend import LedgerBackend


def count_part(app: Celery, session: Session, *, group_id: str, part_id: str, result: Any) -> None:
    """Count a part that is being finished in `session`; accept the body there when it was the last."""
    last = groups.part_done(session, group_id=group_id)
    if last is None:
        return
    # The finish that follows writes this part's own result.
    results = [result if part == part_id else last.results.get(part) for part in last.part_ids]
    app.signature(last.body).apply_async((results,))


def fail(backend: LedgerBackend, session: Session, *, group_id: str, part_id: str, error: str) -> None:
    """Mark the body dead because a part is, call its errbacks, as Celery does, and fail what waits for it."""
    found = session.execute(select(JobGroup.body).where(JobGroup.id == group_id)).scalar()
    if found is None:
        return
    body = backend.app.signature(found)
    options = body.options
    try:
        raise ChordError(f"Part {part_id} is dead: {error}")  # Celery wants one that has a traceback
    except ChordError as problem:
        if options.get("task_id"):
            waiting = Context({"task": body.task, "group": options.get("group_id")})
            result = backend.prepare_exception(problem)
            insert_dead_placeholder(session, job_id=options["task_id"], request=waiting, result=result)
        backend.chord_error_from_stack(body, problem)
    if options.get("chord"):
        fail(backend, session, group_id=options["group_id"], part_id=options["task_id"], error=error)


class CeleryCanvas:
    """What `app`'s chains and chords entail when a job ends in another way than done."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def fail_dependents(self, session: Session, *, job: Job, error: Exception) -> None:
        """Fail the dead job's chord, the rest of its chain, and call its errbacks."""
        backend: Any = self._app.backend
        backend.after_death(session, request_of(job), error)

    def cancel_dependents(self, session: Session, *, job_ids: Sequence[str], reason: str) -> None:
        """Fail the chords and the rests of the chains of cancelled jobs."""
        backend: Any = self._app.backend
        error = TaskRevokedError(reason)
        for job in session.scalars(select(Job).where(Job.id.in_(job_ids))):
            request = request_of(job)
            with apply.savepoint(session, job_id=job.id, what="those who wait for it"):
                if request.chord:
                    problem = f"cancelled: {reason}"
                    fail(backend, session, group_id=request.group, part_id=job.id, error=problem)
                compat.fail_chain(backend, request.chain, error)


def register_canvas(app: Celery) -> None:
    """Have the ledger pass the ends of jobs on to the canvas of `app`."""
    dependents.register(CeleryCanvas(app))


def request_of(job: Job) -> Any:
    """What a worker would know of a job from its message."""
    options = job.options if isinstance(job.options, dict) else {}
    return Context(
        {
            "id": job.id,
            "task": job.task,
            "group": job.group_id,
            "chord": options.get("chord"),
            "chain": options.get("chain"),
            "errbacks": options.get("errbacks"),
            "root_id": options.get("root_id") or job.id,
            "parent_id": options.get("parent_id"),
            "delivery_info": {},
        }
    )


def insert_dead_placeholder(session: Session, *, job_id: str, request: Any, result: Any) -> None:
    """A dead row for a job that will not be sent because what leads to it is dead.

    When that is retried and succeeds after all, the row gets its job (see `accept.fill_waiting`).
    """
    error = text(json.dumps(result) if not isinstance(result, dict) else _words(result))
    ended = {"state": State.DEAD.value, "finished_at": clock(), "error": error, "result": result}
    # One that a canvas replaced waits under its own id for the end that does not come now.
    waiting = (Job.id == job_id) & is_still(State.SCHEDULED) & Job.run_at.is_(None)
    session.execute(update(Job).where(waiting).values(**ended))
    if session.get(Job, job_id) is not None:
        return
    name = getattr(request, "task", None) or "unknown"
    declared = registry.tasks().get(name)
    session.execute(
        insert(Job).values(
            id=job_id,
            task=name,
            queue=(declared.queue if declared else Queue.DEFAULT).value,
            priority=int(declared.priority if declared else Priority.NORMAL),
            args=[],
            kwargs={},
            group_id=getattr(request, "group", None),
            accepted_at=clock(),
            attempt=0,
            fence=0,
            **ended,
        )
    )


def _words(prepared: dict[str, Any]) -> str:
    message = prepared.get("exc_message")
    parts = message if isinstance(message, list | tuple) else [message]
    return f"{prepared.get('exc_type')}: {' '.join(str(part) for part in parts)}"

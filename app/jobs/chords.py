"""What follows the parts of a chord: its body when all are done, its failure when one is dead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery.exceptions import ChordError
from kombu.utils import json
from sqlalchemy import insert, select

from app.db import clock
from app.jobs import groups, registry
from app.jobs.models import Job, JobGroup, State

if TYPE_CHECKING:
    from celery import Celery
    from sqlalchemy.orm import Session

    from app.jobs.backend import LedgerBackend


def count_part(app: Celery, session: Session, *, group_id: str, part_id: str, result: Any) -> None:
    """Count a part that is being finished in `session`; accept the body there when it was the last."""
    last = groups.part_done(session, group_id=group_id)
    if last is None:
        return
    # The finish that follows writes this part's own result.
    results = [result if part == part_id else last.results.get(part) for part in last.part_ids]
    app.signature(last.body).apply_async((results,))


def fail(backend: LedgerBackend, session: Session, *, group_id: str, part_id: str, error: str) -> None:
    """Mark the body dead because a part is, and call its errbacks, as Celery does."""
    body = session.execute(select(JobGroup.body).where(JobGroup.id == group_id)).scalar()
    if body is None:
        return
    signature = backend.app.signature(body)
    backend.chord_error_from_stack(signature, ChordError(f"Part {part_id} is dead: {error}"))


def foretell_death(session: Session, *, job_id: str, request: Any, result: Any) -> None:
    """A row for a job that will not be sent because what leads to it is dead.

    When that is retried and succeeds after all, the row gets its job (see `accept.fill_waiting`).
    """
    if session.get(Job, job_id) is not None:
        return
    name = getattr(request, "task", None) or "unknown"
    declared = registry.tasks().get(name)
    session.execute(
        insert(Job).values(
            id=job_id,
            task=name,
            queue=declared.queue.value if declared else "default",
            priority=declared.priority.value if declared else 6,
            state=State.DEAD.value,
            args=[],
            kwargs={},
            group_id=getattr(request, "group", None),
            accepted_at=clock(),
            finished_at=clock(),
            attempt=0,
            fence=0,
            error=json.dumps(result) if not isinstance(result, dict) else _words(result),
            result=result,
        )
    )


def _words(prepared: dict[str, Any]) -> str:
    message = prepared.get("exc_message")
    parts = message if isinstance(message, list | tuple) else [message]
    return f"{prepared.get('exc_type')}: {' '.join(str(part) for part in parts)}"

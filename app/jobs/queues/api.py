"""HTTP routes of the queues: see, pause and resume them."""

from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Path

from app.db.sessions import reading, transaction
from app.jobs.celery.control import tell_of_pauses
from app.jobs.pauses import service
from app.jobs.queues.views import PauseRequest, QueueView, queue_of, queues_of
from app.jobs.scopes import METRICS, WRITE
from app.tokens.callers import Caller, require
from app.tokens.owners import BY_SCOPE, OPERATED

router = APIRouter(prefix="/api/v1/queues", tags=["queues"])
Writer = Annotated[Caller, Depends(require(WRITE, OPERATED))]
Name = Annotated[str, Path(max_length=200)]


@router.get("", dependencies=[Depends(require(METRICS, BY_SCOPE))])
def list_queues() -> list[QueueView]:
    """Every queue, the pools that drain it, and whether it is paused."""
    with reading() as session:
        return queues_of(session)


@router.post("/{name}/pause")
def pause_queue(name: Name, body: PauseRequest, background: BackgroundTasks, caller: Writer) -> QueueView:
    """Have no more jobs of a queue begin; they are accepted and wait, and those that run go on.

    Again it changes reason and end. The queue `maintenance`, by which the service looks after itself, cannot
    be paused.
    """
    with transaction() as session:
        if service.pause(session, name, reason=body.reason, until=body.until, by=caller.name):
            background.add_task(tell_of_pauses)
        return queue_of(session, name)


@router.post("/{name}/resume")
def resume_queue(name: Name, background: BackgroundTasks, caller: Writer) -> QueueView:
    """Have the jobs of a queue begin again; one that is not paused stays so."""
    with transaction() as session:
        if service.resume(session, name, by=caller.name):
            background.add_task(tell_of_pauses)
        return queue_of(session, name)

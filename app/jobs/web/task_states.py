"""The state of a job as Celery's users know it, by the id of its task."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from app.db.sessions import reading
from app.jobs.celery import celery_states
from app.jobs.ledger.models import TERMINAL
from app.jobs.ledger.seal import MASK, mask
from app.jobs.scopes import READ
from app.jobs.service import find_job
from app.jobs.web import permissions
from app.tokens.callers import Caller, require
from app.tokens.owners import OPERATED

router = APIRouter(tags=["tasks"])


class TaskState(BaseModel):
    """What Celery's `AsyncResult` says of a task."""

    task_id: str
    state: str = Field(description="Celery's name for it: PENDING, STARTED, RETRY, SUCCESS, FAILURE ...")
    result: Any = Field(description="What a task that is done gave, or how it failed; null before that.")


@router.get("/api/v1/tasks/{task_id}")
def get_task_state(
    task_id: Annotated[str, Path(max_length=200)],
    caller: Annotated[Caller, Depends(require(READ, OPERATED))],
) -> TaskState:
    """The state of a task and, once it has ended, its result. `/api/v1/jobs/ID` tells more."""
    with reading() as session:
        job = find_job(session, job_id=task_id)
        result = mask(celery_states.result_of(job)) if job.state in TERMINAL else None
        if result is not None and permissions.hidden_without(job.task, caller=caller) is not None:
            result = MASK
        return TaskState(task_id=job.id, state=celery_states.state_of(job), result=result)

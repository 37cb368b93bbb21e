"""What is given and shown of queues."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from app.jobs.pauses import service
from app.jobs.views import Moment
from app.topology import POOLS, Queue
from app.values.strict_models import StrictModel

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.jobs.pauses.models import QueuePause


class PauseRequest(StrictModel):
    """Why a queue is paused, and until when."""

    reason: Annotated[str, Field(max_length=service.MAX_REASON)]
    until: Moment | None = Field(default=None, description="Null: until somebody resumes it.")


class PauseView(BaseModel):
    """Since when a queue is paused, by whom and why."""

    since: datetime
    until: datetime | None = Field(description="When it ends by itself; null: when somebody resumes it.")
    by: str
    reason: str


class QueueView(BaseModel):
    """A queue, and how it is paused; null for one that is not."""

    name: str
    pools: list[str]
    paused: PauseView | None


def queues_of(session: Session) -> list[QueueView]:
    """All queues, in the order of the topology."""
    known = {pause.queue: pause for pause in service.paused(session)}
    return [_view(queue, known.get(queue.value)) for queue in Queue]


def queue_of(session: Session, name: str) -> QueueView:
    """One queue. Raises `NoSuchQueue`."""
    queue = service.queue_named(name)
    return _view(queue, service.find(session, queue.value))


def _view(queue: Queue, pause: QueuePause | None) -> QueueView:
    return QueueView(
        name=queue.value,
        pools=[pool.name for pool in POOLS if queue in pool.queues],
        paused=pause
        and PauseView(since=pause.since, until=pause.until, by=pause.paused_by, reason=pause.reason),
    )

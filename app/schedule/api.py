"""HTTP routes of the schedules."""

from datetime import UTC, datetime

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from sqlalchemy import select

from app.db.sessions import reading
from app.jobs.declaration import registry
from app.jobs.scopes import READ
from app.schedule.models import ScheduleState
from app.tokens.callers import require

router = APIRouter(tags=["schedules"])


class ScheduleView(BaseModel):
    """When a task runs by itself."""

    task: str
    queue: str
    schedule: str
    last_fire_at: datetime | None
    next_fire_at: datetime


@router.get("/api/v1/schedules", dependencies=[Depends(require(READ))])
def list_schedules() -> list[ScheduleView]:
    """Every schedule with the time it fired last and the time it fires next."""
    now = datetime.now(UTC)
    with reading() as session:
        fired = {state.name: state.last_fire_at for state in session.scalars(select(ScheduleState))}
    return [
        ScheduleView(
            task=spec.name,
            queue=spec.queue,
            schedule=spec.schedule.describe(),
            last_fire_at=fired.get(spec.name),
            next_fire_at=spec.schedule.next(now),
        )
        for spec in registry.tasks().values()
        if spec.schedule is not None
    ]

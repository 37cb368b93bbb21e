"""Fires schedules: each (schedule, moment) becomes one job, however many beats look at it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select, update

from app import db
from app.config import settings
from app.errors import GroundworkError
from app.jobs import registry
from app.jobs.accept import accept, new_job
from app.schedule.models import ScheduleState

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.jobs.registry import TaskSpec

log = structlog.get_logger(__name__)


def fire_due() -> None:
    """Accept a job for every schedule whose moment has come since it fired last.

    Of several missed moments only the latest is fired, and only if it is no older than
    `catch_up_seconds`. A schedule seen for the first time begins now.
    """
    scheduled = [spec for spec in registry.tasks().values() if spec.schedule is not None]
    with db.transaction() as session:
        now = db.now(session)
        memory = {state.name: state.last_fire_at for state in session.scalars(select(ScheduleState))}
        for spec in scheduled:
            if spec.name not in memory:
                session.add(ScheduleState(name=spec.name, last_fire_at=now))
                continue
            # A schedule that cannot be fired must not keep the others from firing.
            try:
                with session.begin_nested():
                    _fire(session, spec, last=memory[spec.name], now=now)
            except GroundworkError as error:
                log.error("schedule_not_fired", schedule=spec.name, error=str(error))


def _fire(session: Session, spec: TaskSpec, *, last: datetime, now: datetime) -> None:
    assert spec.schedule is not None  # noqa: S101 (the caller chose it)
    moment = spec.schedule.previous(now)
    if moment <= last:
        return
    session.execute(update(ScheduleState).where(ScheduleState.name == spec.name).values(last_fire_at=moment))
    late = now - moment
    if late > timedelta(seconds=settings().catch_up_seconds):
        log.warning("schedule_missed", schedule=spec.name, moment=moment.isoformat(), late=str(late))
        return
    job = new_job(spec.name, key=f"schedule:{spec.name}:{moment.isoformat()}")
    answer = accept(session, [job])[0]
    if answer.created:
        log.info("schedule_fired", schedule=spec.name, moment=moment.isoformat(), job_id=answer.id)

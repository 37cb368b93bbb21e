"""Fires schedules: each (schedule, moment) becomes one job, however many beats look at it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select, update

from app.db import outages
from app.db.clock import now as db_now
from app.db.sessions import reading, transaction
from app.jobs.accept import accept
from app.jobs.celery.signals import announced
from app.jobs.declaration import registry
from app.jobs.factory import new_job
from app.schedule.models import ScheduleState
from app.settings.config import settings

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.jobs.declaration.registry import TaskSpec

log = structlog.get_logger(__name__)


def fire_due() -> None:
    """Accept a job for every schedule whose moment has come since it was last looked at.

    Of several missed moments only the latest is fired, and only if it is no older than
    `catch_up_seconds`. A schedule seen for the first time begins now.
    """
    specs = [spec for spec in registry.tasks().values() if spec.schedule is not None]
    with reading() as session:
        now = db_now(session)
        memory = {state.name: state.seen_until for state in session.scalars(select(ScheduleState))}
    for spec in specs:
        assert spec.schedule is not None  # noqa: S101 (they were chosen by it)
        moment = spec.schedule.previous(now)
        if spec.name in memory and moment <= memory[spec.name]:
            continue
        # Each in a transaction of its own: one that cannot be fired must not keep the others from it.
        try:
            with transaction() as session:
                if spec.name in memory:
                    _fire(session, spec, moment=moment, now=now)
                else:
                    session.add(ScheduleState(name=spec.name, seen_until=now))
        except Exception as error:
            if outages.is_transient(error):
                raise
            log.exception("schedule_not_fired", schedule=spec.name)


def _fire(session: Session, spec: TaskSpec, *, moment: datetime, now: datetime) -> None:
    state = update(ScheduleState).where(ScheduleState.name == spec.name, ScheduleState.seen_until < moment)
    late = now - moment
    if late > timedelta(seconds=settings().catch_up_seconds):
        session.execute(state.values(seen_until=moment))
        log.warning("schedule_missed", schedule=spec.name, moment=moment.isoformat(), late=str(late))
        return
    session.execute(state.values(seen_until=moment, last_fire_at=moment))
    job = new_job(spec.name, key=f"schedule:{spec.name}:{moment.isoformat()}")
    with announced([job]) as jobs:
        answer = accept(session, jobs)[0]
    if answer.created:
        log.info("schedule_fired", schedule=spec.name, moment=moment.isoformat(), job_id=answer.id)

"""What came of the moments of schedules, and of which of them a job is."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import delete, func, select, update

from app.db.clock import now as db_now
from app.db.pruning import BATCH
from app.jobs.ledger.models import TERMINAL, Job
from app.schedule.models import RunOutcome, ScheduleEntry, ScheduleRun
from app.settings.business_clock import business_now
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

log = structlog.get_logger(__name__)

_KEY = re.compile(r"schedule:.*:(\d{4}-\d\d-\d\dT.+)", re.ASCII | re.DOTALL)


def key_of(schedule: str, moment: datetime) -> str:
    """The key of the job that a moment of a schedule becomes."""
    return f"schedule:{schedule}:{moment.isoformat()}"


def as_of(session: Session, *, job_id: str) -> datetime:
    """When a job had to run, for what it is about: at the moment of its schedule, else now.

    In a trial it is the pretended time.
    """
    if settings().pretend_now:
        return business_now()
    return _moment_in(session.scalar(select(Job.key).where(Job.id == job_id))) or business_now()


def unfinished(session: Session, names: Sequence[str]) -> dict[str, int]:
    """How many jobs of each of these schedules are not finished."""
    counted = (
        select(ScheduleRun.schedule, func.count().label("jobs"))
        .join(Job, Job.id == ScheduleRun.job_id)
        .where(ScheduleRun.schedule.in_(names), ScheduleRun.outcome.is_(None), Job.state.not_in(TERMINAL))
        .group_by(ScheduleRun.schedule)
    )
    return {row.schedule: row.jobs for row in session.execute(counted)}


def runs_of(session: Session, name: str, *, limit: int) -> Sequence[ScheduleRun]:
    """The last moments of a schedule, the newest first."""
    newest = select(ScheduleRun).where(ScheduleRun.schedule == name).order_by(ScheduleRun.moment.desc())
    return session.scalars(newest.limit(limit)).all()


def missed(session: Session, *, begin: datetime, end: datetime, limit: int) -> Sequence[ScheduleRun]:
    """The moments that were found missed in that time, the newest first."""
    rows = select(ScheduleRun).where(
        ScheduleRun.fired_at >= begin, ScheduleRun.fired_at < end, ScheduleRun.outcome == RunOutcome.MISSED
    )
    return session.scalars(
        rows.order_by(ScheduleRun.fired_at.desc(), ScheduleRun.id.desc()).limit(limit)
    ).all()


def settle(session: Session) -> None:
    """Write down how the jobs of schedules ended, and since when a schedule has not succeeded in time."""
    ended = (
        update(ScheduleRun)
        .where(ScheduleRun.outcome.is_(None), Job.id == ScheduleRun.job_id, Job.state.in_(TERMINAL))
        .values(outcome=Job.state, started_at=Job.started_at, finished_at=Job.finished_at, error=Job.error)
        .returning(ScheduleRun.schedule, ScheduleRun.outcome, ScheduleRun.finished_at)
        .execution_options(synchronize_session=False)
    )
    succeeded: dict[str, datetime] = {}
    for name, outcome, finished_at in session.execute(ended):
        if outcome == RunOutcome.DONE and finished_at is not None:
            succeeded[name] = max(finished_at, succeeded.get(name, finished_at))
    for name, at in succeeded.items():
        session.execute(update(ScheduleEntry).where(ScheduleEntry.name == name).values(last_success_at=at))
    _watch(session)


def _watch(session: Session) -> None:
    now = db_now(session)
    watched = select(ScheduleEntry).where(
        ScheduleEntry.success_within_seconds.is_not(None) | ScheduleEntry.overdue_since.is_not(None)
    )
    for entry in session.scalars(watched):
        due = entry.success_due_at
        is_overdue = due is not None and now > due
        if is_overdue and entry.overdue_since is None:
            entry.overdue_since = now
            log.error("schedule_overdue", schedule=entry.name, within=str(entry.policies.success_within))
        elif not is_overdue and entry.overdue_since is not None:
            log.info("schedule_recovered", schedule=entry.name, after=str(now - entry.overdue_since))
            entry.overdue_since = None


def forget(session: Session, *, before: datetime) -> int:
    """Delete up to `BATCH` old moments, and end those whose jobs are not in the ledger any more."""
    has_job = select(Job.id).where(Job.id == ScheduleRun.job_id).exists()
    session.execute(
        update(ScheduleRun)
        .where(ScheduleRun.outcome.is_(None), ~has_job)
        .values(outcome=RunOutcome.FORGOTTEN)
        .execution_options(synchronize_session=False)
    )
    old = select(ScheduleRun.id).where(ScheduleRun.fired_at < before, ScheduleRun.outcome.is_not(None))
    gone = session.execute(
        delete(ScheduleRun)
        .where(ScheduleRun.id.in_(old.limit(BATCH)))
        .returning(ScheduleRun.id)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


def _moment_in(key: str | None) -> datetime | None:
    found = _KEY.fullmatch(key or "")
    try:
        moment = datetime.fromisoformat(found[1]) if found else None
    except ValueError:
        # Somebody's own key that begins so.
        return None
    return moment if moment and moment.tzinfo else None

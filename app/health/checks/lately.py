"""Looks at what has happened of late: what is wrong with it may be over, and somebody has to know."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.db.clock import clock
from app.db.clock import now as db_now
from app.db.sessions import reading
from app.health.checks.check import ABOUT, Found
from app.health.doctor.finding import Finding
from app.jobs.ledger.models import Job, Outcome, State
from app.jobs.ledger.states import in_state
from app.jobs.pauses.service import paused
from app.jobs.statistics.adding import MINUTE, floor
from app.jobs.statistics.by_task import by_task
from app.jobs.statistics.figures import Step
from app.jobs.waits.causes import span
from app.schedule.models import RunOutcome, ScheduleEntry, ScheduleRun
from app.settings.config import settings

if TYPE_CHECKING:
    from app.jobs.statistics.sums import Sums

#: What happened within this is news.
LATELY = timedelta(minutes=15)
#: A dead job that has waited for so long was forgotten.
WAITED = timedelta(days=1)


def new_dead() -> Found:
    """Of which tasks jobs died of late."""
    counts = {task: sums.jobs[State.DEAD] for task, sums in _lately().items() if sums.jobs[State.DEAD]}
    findings = {
        task: Finding.problem(
            ABOUT,
            f"{count} jobs of {task} died within {LATELY.total_seconds() / 60:.0f} minutes.",
            fix=f"See why: groundwork jobs list --state dead --task {task}",
        )
        for task, count in counts.items()
    }
    return Found(findings=findings, value=sum(counts.values()))


def lost_workers() -> Found:
    """Whether workers died under their jobs of late."""
    lost = sum(sums.attempts[Outcome.LOST] for sums in _lately().values())
    if not lost:
        return Found(value=0)
    finding = Finding.problem(
        ABOUT,
        f"Workers died under {lost} attempts within {LATELY.total_seconds() / 60:.0f} minutes.",
        fix="Look for what ended them (out of memory, a crash) in the journal and in the workers' logs.",
    )
    return Found(findings={"": finding}, value=lost)


def dead_jobs() -> Found:
    """Whether dead jobs have waited long for a person."""
    died = func.coalesce(Job.finished_at, Job.accepted_at)
    waited = in_state(State.DEAD) & (died < clock(-WAITED.total_seconds()))
    with reading() as session:
        count = session.scalar(select(func.count()).where(waited)) or 0
    if count <= settings().health_dead_jobs:
        return Found(value=count)
    finding = Finding.problem(
        ABOUT,
        f"{count} jobs are dead and have waited for a person for more than a day.",
        fix="See why: groundwork jobs list --state dead; then retry or cancel them.",
    )
    return Found(findings={"": finding}, value=count)


def paused_queues() -> Found:
    """Which queues have been paused for so long that nobody may remember it."""
    limit = settings().health_queue_paused_seconds
    with reading() as session:
        found, now = paused(session), db_now(session)
    findings = {
        one.queue: Finding.problem(
            ABOUT,
            f'The queue "{one.queue}" has been paused for more than {span(limit)} '
            f"by {one.paused_by}: {one.reason}",
            fix=f"If it may be drained again: groundwork queues resume {one.queue}",
        )
        for one in found
        if (now - one.since).total_seconds() > limit
    }
    return Found(findings=findings, value=len(found))


def missed_schedules() -> Found:
    """Which schedules were not fired when they were due last. One that has fired since needs nobody."""
    newest = (
        select(ScheduleRun.outcome)
        .where(ScheduleRun.schedule == ScheduleEntry.name)
        .order_by(ScheduleRun.moment.desc())
        .limit(1)
        .scalar_subquery()
    )
    missed = select(ScheduleEntry.name).where(
        ScheduleEntry.enabled, ScheduleEntry.gone_at.is_(None), newest == RunOutcome.MISSED
    )
    with reading() as session:
        names = session.scalars(missed.order_by(ScheduleEntry.name)).all()
    findings = {
        name: Finding.problem(
            ABOUT,
            f'The last moment of the schedule "{name}" was missed: no beat could fire it in time.',
            fix=f"If its work is still wanted, have it done now: groundwork schedules fire {name}",
        )
        for name in names
    }
    return Found(findings=findings, value=len(names))


def _lately() -> dict[str, Sums]:
    with reading() as session:
        end = db_now(session)
        return by_task(session, begin=floor(end - LATELY, MINUTE), end=end, step=Step.MINUTE)

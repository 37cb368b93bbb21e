"""Checks of jobs that wait for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Text, cast, func, or_, select, union_all

from app.db.clock import clock
from app.db.sessions import reading
from app.health.doctor.finding import Finding
from app.jobs.declaration.options import HORIZON, PRIORITIES
from app.jobs.ledger.models import Job, State
from app.jobs.ledger.states import in_state
from app.jobs.pauses.service import paused
from app.jobs.waits.causes import moment
from app.settings.config import settings

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

ABOUT = "jobs"
MAX_NAMED = 5
#: Finished jobs are many, and nothing more is done with them.
KEPT = (State.SCHEDULED, State.READY, State.RUNNING, State.DEAD)
JSON_PARTS = (Job.args, Job.kwargs, Job.options, Job.context, Job.progress)
MOMENTS = (Job.accepted_at, Job.run_at, Job.published_at, Job.expires_at, Job.lease_until)


def rows_can_be_read() -> Finding:
    """Whether unfinished jobs hold what nothing can be done with, as older releases took it."""
    # State by state: together they have no index, and the ledger's finished jobs would be read as well.
    looks = [select(Job.id).where(in_state(state), or_(*_unusable())).limit(MAX_NAMED + 1) for state in KEPT]
    with reading() as session:
        found = sorted(session.scalars(union_all(*(select(look.subquery()) for look in looks))))
    if not found:
        return Finding.ok(ABOUT, "The rows of all unfinished jobs can be read.")
    more = " and more" if len(found) > MAX_NAMED else ""
    return Finding.problem(
        ABOUT,
        f"The rows of these jobs hold times, priorities or JSON that cannot be read or lie out of range: "
        f"{', '.join(found[:MAX_NAMED])}{more}.",
        fix="Look at each (groundwork jobs show ID), cancel it (groundwork jobs cancel ID), and submit "
        "again what is still wanted",
    )


def _unusable() -> list[ColumnElement[bool]]:
    far = clock(2 * HORIZON.total_seconds())
    bad = [~Job.priority.between(PRIORITIES[0], PRIORITIES[-1]), Job.run_at > far, Job.expires_at > far]
    if settings().is_sqlite:  # which takes anything in any column
        bad += [func.typeof(number) != "integer" for number in (Job.priority, Job.attempt, Job.fence)]
        bad += [func.json_valid(cast(part, Text)) == 0 for part in JSON_PARTS]
        bad += [func.julianday(moment).is_(None) & moment.is_not(None) for moment in MOMENTS]
    return bad


def no_queue_is_paused() -> Finding:
    """Whether jobs wait because somebody has paused their queues."""
    with reading() as session:
        found = paused(session)
    if not found:
        return Finding.ok(ABOUT, "No queue is paused.")
    named = "; ".join(
        f"{one.queue} since {moment(one.since)} by {one.paused_by}: {one.reason}" for one in found
    )
    return Finding.warning(
        ABOUT,
        f"Queues are paused: {named}",
        fix=f"Once their jobs may run again: groundwork queues resume {found[0].queue}",
    )


def no_job_is_dead() -> Finding:
    """Whether jobs ended without being done, and are kept for a person to look at."""
    count = func.count()
    dead = select(Job.task, count).where(in_state(State.DEAD)).group_by(Job.task)
    with reading() as session:
        found = session.execute(dead.order_by(count.desc(), Job.task)).all()
    if not found:
        return Finding.ok(ABOUT, "No job is dead.")
    named = ", ".join(f"{task} ({number})" for task, number in found[:MAX_NAMED])
    more = f" and {len(found) - MAX_NAMED} more tasks" if len(found) > MAX_NAMED else ""
    return Finding.warning(
        ABOUT,
        f"{sum(number for _, number in found)} jobs are dead: {named}{more}.",
        fix="See why: groundwork jobs list --state dead; run them again once that is fixed: groundwork jobs "
        "retry ID (or --dead for all)",
    )

"""Checks of jobs that wait for a person."""

from __future__ import annotations

from sqlalchemy import func, select

from app.db import reading
from app.doctor.finding import Finding
from app.jobs.models import Job, State
from app.jobs.states import in_state

ABOUT = "jobs"
MAX_NAMED = 5


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
        fix="See why: groundwork jobs list --state dead; run them again when that is mended: groundwork jobs "
        "retry ID (or --dead for all)",
    )

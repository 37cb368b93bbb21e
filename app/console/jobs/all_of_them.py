"""Retries or cancels all jobs that a list has: those that it had when somebody was shown how many.

A job that dies or is accepted later is left alone, so that the same form again finds nothing left to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sqlalchemy import func, select

from app.console.acts import note
from app.console.jobs.changing import Act
from app.console.jobs.errors import NotAllOfThese
from app.console.places import JOBS
from app.console.questions import looking
from app.db.clock import now
from app.db.sessions import transaction
from app.jobs import service
from app.jobs.cancelling import WAITING, cancel_waiting
from app.jobs.ledger.models import Job, State
from app.jobs.listing import conditions
from app.jobs.web import permissions

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from app.console.jobs.asked import Asked
    from app.tokens.callers import Caller

#: So many are changed for one form, and counted before.
MAX_AT_ONCE = 10_000
#: In one transaction, with its row in the audit log.
BATCH = service.RETRY_BATCH
MAX_TASKS = 20
STATES = {Act.RETRY: frozenset({State.DEAD}), Act.CANCEL: frozenset(WAITING)}


@dataclass(frozen=True, kw_only=True)
class Matching:
    """Jobs that are meant, as of a moment: how many, and how many of the tasks that have most."""

    until: datetime
    number: int
    tasks: Mapping[str, int]


def can_be_all(asked: Asked, act: Act) -> bool:
    """Whether a list has those alone that `act` is for."""
    return bool(asked.states) and STATES[act].issuperset(asked.states)


def matching(asked: Asked, act: Act, *, caller: Caller, until: datetime | None = None) -> Matching:
    """How many are meant, counted to one more than `MAX_AT_ONCE`. Raises `NotAllOfThese` and `CutOff`."""
    if not can_be_all(asked, act):
        raise NotAllOfThese(act=act, states=sorted(STATES[act]))
    with looking() as session:
        moment = until or now(session)
        some = _meant(asked, act, until=moment, caller=caller).limit(MAX_AT_ONCE + 1).subquery()
        counted = select(some.c.task, func.count()).group_by(some.c.task)
        tasks: dict[str, int] = dict(session.execute(counted).all())
    most = sorted(tasks, key=lambda task: (-tasks[task], task))[:MAX_TASKS]
    return Matching(until=moment, number=sum(tasks.values()), tasks={task: tasks[task] for task in most})


def change_all(asked: Asked, act: Act, *, until: datetime, reason: str, caller: Caller) -> int:
    """Change those that are meant as of `until`, up to `MAX_AT_ONCE`; how many. Raises `NotAllOfThese`."""
    if not can_be_all(asked, act):
        raise NotAllOfThese(act=act, states=sorted(STATES[act]))
    total = 0
    while total < MAX_AT_ONCE:
        with transaction() as session:
            found = _change(session, asked, act, until=until, reason=reason, caller=caller)
            if found:
                note(
                    session,
                    caller,
                    title=f"{act.capitalize()} all jobs that match",
                    path=f"{JOBS}/{act}",
                    filters=urlencode(asked.pairs),
                    until=until.isoformat(),
                    jobs=found,
                    reason=reason,
                )
        total += found
        if found < BATCH:
            break
    return total


def _meant(asked: Asked, act: Act, *, until: datetime, caller: Caller) -> Select[str]:
    meant = select(Job.task).where(*conditions(asked.filters, states=asked.states))
    if act is Act.RETRY:
        # What has no time waits for its chain, and is not retried by itself.
        meant = meant.where(Job.finished_at <= until, Job.run_at.is_not(None))
    else:
        meant = meant.where(Job.accepted_at <= until)
    within = _within(asked, caller=caller)
    return meant if within is None else meant.where(Job.task.in_(within))


def _change(session: Session, asked: Asked, act: Act, *, until: datetime, reason: str, caller: Caller) -> int:
    within = _within(asked, caller=caller)
    if act is Act.RETRY:
        return service.retry_dead(
            session, filters=asked.filters, dead_before=until, limit=BATCH, within=within
        )
    return cancel_waiting(
        session,
        filters=asked.filters,
        states=asked.states,
        accepted_before=until,
        limit=BATCH,
        reason=f"Cancelled by {caller.name}: {reason}",
        within=within,
    ).jobs


def _within(asked: Asked, *, caller: Caller) -> Collection[str] | None:
    return permissions.within_reach(caller, narrowed_by=asked.filters.error or asked.filters.key)

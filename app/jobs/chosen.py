"""Jobs that somebody chose at one moment, and what is done later to those that are still the same."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 (of a named tuple)
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select

from app.jobs.cancelling import WAITING, cancel_those_waiting, discard_dead
from app.jobs.ledger.models import Job, State
from app.jobs.listing import conditions
from app.jobs.scopes import RETRY, WRITE
from app.jobs.service import revive

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from app.jobs.views import JobFilter

#: So many are changed in one transaction.
BATCH = 500


class Act(StrEnum):
    """What can be done to many jobs at once."""

    RETRY = "retry"
    CANCEL = "cancel"
    DISCARD = "discard"

    @property
    def states(self) -> tuple[State, ...]:
        """The jobs that it is for."""
        return WAITING if self is Act.CANCEL else (State.DEAD,)

    @property
    def after(self) -> State:
        """What they are then."""
        return State.READY if self is Act.RETRY else State.CANCELLED

    @property
    def scope(self) -> str:
        """What somebody needs for it."""
        return RETRY if self is Act.RETRY else WRITE


class Chosen(NamedTuple):
    """A job as it was when it was chosen: each attempt changes the fence, and each end the moment."""

    job_id: str
    task: str
    fence: int
    finished_at: datetime | None


_CHOSEN = (Job.id, Job.task, Job.fence, Job.finished_at)


def choose(
    session: Session,
    act: Act,
    *,
    filters: JobFilter,
    states: Collection[State],
    within: Collection[str] | None,
    most: int,
) -> list[Chosen]:
    """The jobs that `filters` fit, the oldest first and at `most` so many; of tasks `within` only."""
    found: list[Any] = []
    # One by one, as an index has them: of two states together, all would be sorted.
    for state in states:
        query = _meant(act, within=within).add_columns(Job.accepted_at)
        query = query.where(*conditions(filters, states=[state]))
        found += session.execute(query.order_by(Job.accepted_at, Job.id).limit(most)).all()
    found.sort(key=lambda row: (row.accepted_at, row.id))
    return [Chosen(*row[: len(_CHOSEN)]) for row in found[:most]]


def choose_these(
    session: Session, act: Act, *, ids: Sequence[str], within: Collection[str] | None
) -> list[Chosen]:
    """Those of the jobs that `act` is for."""
    found: list[Chosen] = []
    for first in range(0, len(ids), BATCH):
        query = _meant(act, within=within).where(
            Job.id.in_(ids[first : first + BATCH]), Job.state.in_(act.states)
        )
        found += (Chosen(*row) for row in session.execute(query.order_by(Job.id)))
    return found


def _meant(act: Act, *, within: Collection[str] | None) -> Select[str, str, int, datetime | None]:
    meant = select(*_CHOSEN)
    if within is not None:
        meant = meant.where(Job.task.in_(within))
    # What has no time waits for its chain, and is not retried by itself.
    return meant.where(Job.run_at.is_not(None)) if act is Act.RETRY else meant


def carry_out(session: Session, act: Act, chosen: Sequence[Chosen], *, reason: str) -> dict[str, str]:
    """Do it to those that are as they were chosen; of the others, why they were left as they are.

    `reason` is what the ledger keeps of the jobs that are cancelled by it.
    """
    ids = [one.job_id for one in chosen]
    columns = (Job.id, Job.state, Job.fence, Job.finished_at)
    # In one order, so that two who do the same do not wait for each other.
    query = select(*columns).where(Job.id.in_(ids)).order_by(Job.id).with_for_update(key_share=True)
    now = {row.id: row for row in session.execute(query)}
    problems: dict[str, str] = {}
    for one in chosen:
        there = now.get(one.job_id)
        if there is None:
            problems[one.job_id] = "It is not in the ledger any more."
        elif there.state not in act.states or (there.fence, there.finished_at) != (
            one.fence,
            one.finished_at,
        ):
            problems[one.job_id] = f"It has changed since it was chosen, and is {there.state} now."
    still = [job_id for job_id in ids if job_id not in problems]
    done = set(_do(session, act, still, reason=reason))
    refused = f"It could not be made {act.after} any more."
    return problems | {job_id: refused for job_id in still if job_id not in done}


def _do(session: Session, act: Act, ids: Sequence[str], *, reason: str) -> Sequence[str]:
    if act is Act.RETRY:
        return revive(session, ids)
    if act is Act.CANCEL:
        return cancel_those_waiting(session, ids, reason=reason)
    return discard_dead(session, ids, reason=reason)

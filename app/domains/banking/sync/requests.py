"""Asking for syncs, so that however many are asked for, none is missed and few are made."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.banking.errors import SyncNotFound
from app.domains.banking.models import Budget, ItemStatus, PlaidItem
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.jobs.ledger.models import Job, State

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint


SYNC_TASK = "banking.sync_item"
CHECK_TASK = "banking.check_budget_alerts"
#: Items whose nightly syncs are accepted in one transaction.
CHUNK = 200
#: The nightly syncs begin within this, or as many times the turns that they take at Plaid.
MIN_SPREAD = timedelta(minutes=15)
TURNS_EACH = 4
WORKING = (ItemStatus.ACTIVE, ItemStatus.EXPIRING)


def request_sync(session: Session, item: PlaidItem) -> str:
    """Have the item synced soon; the id of the job that will do it.

    All who ask before the next sync begins share it. One that has begun counts no more: it may be past
    the change that the caller knows of.
    """
    job_id = _ask(session, item)
    if State(session.scalars(select(Job.state).where(Job.id == job_id)).one()).is_terminal:
        # It was cancelled, or died before it began: it must not stand in the way of later ones.
        item.syncs += 1
        session.flush()
        return _ask(session, item)
    return job_id


def sync_of(session: Session, *, item_id: int, job_id: str) -> Job:
    """The job of a sync of the item. Raises `SyncNotFound`."""
    job = session.scalar(select(Job).where(Job.id == job_id, Job.task == SYNC_TASK))
    if job is None or job.kwargs.get("item_id") != item_id:
        raise SyncNotFound(item_id=item_id, job_id=job_id)
    return job


def _ask(session: Session, item: PlaidItem) -> str:
    key = f"banking-sync:{item.id}:{item.syncs}"
    return accept(session, [new_job(SYNC_TASK, kwargs={"item_id": item.id}, key=key)])[0].id


def request_check(session: Session, *, household_id: int) -> None:
    """Have the household's budgets checked soon, if it has any: its transactions have changed."""
    active = select(Budget.id).where(Budget.household_id == household_id, Budget.is_active).limit(1)
    if session.scalar(active) is not None:
        accept(session, [new_job(CHECK_TASK, kwargs={"household_id": household_id})])


def request_all(session: Session, *, night: date, per_minute: int, commit: Checkpoint) -> dict[str, int]:
    """Have every working item synced, spread over time; how many were queued, and how many left out.

    Each item is queued once for a `night`, however often this is repeated. `commit` ends each chunk.
    """
    items = session.execute(select(PlaidItem.id, PlaidItem.status).order_by(PlaidItem.id)).all()
    working = [item.id for item in items if item.status in WORKING]
    spread = max(MIN_SPREAD, timedelta(minutes=1) / per_minute * TURNS_EACH * len(working))
    counts = {"items": len(items), "queued": 0, "already_queued": 0, "broken": len(items) - len(working)}
    for begin in range(0, len(working), CHUNK):
        jobs = [
            new_job(
                SYNC_TASK,
                kwargs={"item_id": item_id},
                # Not the key of those that webhooks ask for: they must not wait for their place in the night.
                key=f"banking-night:{night}:{item_id}",
                delay_seconds=_place(place, of=len(working), spread=spread),
            )
            for place, item_id in enumerate(working[begin : begin + CHUNK], start=begin)
        ]
        created = sum(answer.created for answer in accept(session, jobs))
        counts["queued"] += created
        counts["already_queued"] += len(jobs) - created
        commit(counts)
    return counts


def _place(place: int, *, of: int, spread: timedelta) -> float:
    """When the sync at `place` begins, in seconds: somewhere in its own part of the spread."""
    return (place + random.random()) / of * spread.total_seconds()  # noqa: S311 (spreads load only)

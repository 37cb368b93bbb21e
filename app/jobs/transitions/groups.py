"""Groups and chords in the ledger: what is saved of a group, and the counting of a chord's parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update

from app.db.clock import clock
from app.db.upsert import insert_or_update
from app.jobs.ledger.models import Job, JobGroup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session


def save(session: Session, *, group_id: str, **values: Any) -> None:
    """Keep `children`, `body` or `remaining` of a group, new or known."""
    statement = insert_or_update(session, JobGroup).values(id=group_id, created_at=clock(), **values)
    session.execute(statement.on_conflict_do_update(index_elements=[JobGroup.id], set_=values))


def forget(session: Session, *, group_id: str) -> None:
    """Delete what is saved of a group."""
    session.execute(delete(JobGroup).where(JobGroup.id == group_id))


def start_chord(session: Session, *, group_id: str, part_ids: Sequence[str], body: Any) -> None:
    """Note which parts a chord waits for and what follows them."""
    save(session, group_id=group_id, children=list(part_ids), body=body, remaining=len(part_ids))


def add_part(session: Session, *, group_id: str, part_id: str) -> None:
    """Let a chord wait for one more part; called in the transaction of one, so that it is not over yet."""
    group = session.get_one(JobGroup, group_id, with_for_update=True, populate_existing=True)
    group.children = [*(group.children or []), part_id]
    group.remaining = (group.remaining or 0) + 1
    session.flush()


@dataclass(frozen=True, kw_only=True)
class LastPart:
    """The end of a chord's header: the body's signature, the parts in order, the results known so far."""

    body: Any
    part_ids: list[str]
    results: dict[str, Any]


def part_done(session: Session, *, group_id: str) -> LastPart | None:
    """Count one part of a chord; None unless it was the last.

    The row's lock makes parts that finish at once count one after another, and the fence of the
    surrounding finish makes each count once however often its message was delivered.
    """
    session.flush()  # a part that was added must count before this one does
    row = session.execute(
        update(JobGroup)
        .where(JobGroup.id == group_id, JobGroup.remaining > 0)
        .values(remaining=JobGroup.remaining - 1)
        .returning(JobGroup.remaining, JobGroup.body, JobGroup.children)
    ).one_or_none()
    if row is None or row.remaining > 0:
        return None
    found = session.execute(select(Job.id, Job.result).where(Job.id.in_(row.children)))
    return LastPart(body=row.body, part_ids=row.children, results=dict(found.all()))

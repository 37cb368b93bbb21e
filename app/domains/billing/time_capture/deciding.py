"""What admins decide on entries: approve, reject, take back. Nothing here commits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select, update

from app.domains.billing.models import Client, Project
from app.domains.billing.time_capture.entries import entry
from app.domains.billing.time_capture.errors import EntryDecided, EntryNotFound
from app.domains.billing.time_capture.listing import Wanted, conditions
from app.domains.billing.time_capture.models import EntryState, TimeEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from app.errors import GroundworkError

#: Entries that one statement changes.
CHUNK = 1_000
#: Of those that may not be decided, so many are named and the others counted.
MAX_NAMED = 100


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What becomes of pending entries, and who says so; None is a token."""

    state: EntryState
    by: int | None
    at: datetime
    #: Why they are rejected.
    reason: str | None = None


class Refusal(NamedTuple):
    """An entry that may not be decided, and why."""

    entry_id: int
    code: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What became of many: those that were so before are counted as unchanged."""

    decided: int
    unchanged: int
    refused: int
    #: The first of those that were refused, and why.
    why: Sequence[Refusal]
    #: The last entry that was looked at, after which there are more; None after the last of all.
    next: int | None = None


def decide(session: Session, *, entry_id: int, decision: Decision) -> TimeEntry:
    """Approve or reject an entry; said twice, it counts once. Raises `EntryNotFound` and `EntryDecided`."""
    found = entry(session, entry_id=entry_id, lock=True)
    if found.state == decision.state:
        return found
    if found.state != EntryState.PENDING:
        raise EntryDecided(entry_id=entry_id, state=found.state)
    _set(session, [entry_id], decision)
    session.refresh(found)
    return found


def reopen(session: Session, *, entry_id: int, now: datetime) -> TimeEntry:
    """Have an entry wait again, which was approved or rejected. Raises `EntryNotFound` and `EntryDecided`."""
    found = entry(session, entry_id=entry_id, lock=True)
    if found.state == EntryState.BILLED:
        raise EntryDecided(entry_id=entry_id, state=found.state)
    if found.state != EntryState.PENDING:
        found.state, found.changed_at = EntryState.PENDING, now
        found.decided_by = found.decided_at = found.reason = None
        session.flush()
    return found


def decide_all(session: Session, *, tenant_id: int, ids: Iterable[int], decision: Decision) -> Decided:
    """Decide on those entries of a tenant. Who may not be decided keeps no other from it."""
    wanted = set(ids)
    known = session.scalars(_of_tenant(tenant_id).where(TimeEntry.id.in_(sorted(wanted)))).all()
    unknown = sorted(wanted - set(known))
    absent = [_refusal(entry_id, EntryNotFound(entry_id=entry_id)) for entry_id in unknown]
    return _decide(session, known, decision, absent=absent, next_id=None)


def frozen(session: Session, *, tenant_id: int, wanted: Wanted) -> Wanted:
    """`wanted` without what comes from now on."""
    newest = _of_tenant(tenant_id).order_by(None).order_by(TimeEntry.id.desc())
    return replace(wanted, upto_id=session.scalar(newest.limit(1)) or 0)


def decide_wanted(
    session: Session, *, tenant_id: int, wanted: Wanted, decision: Decision, after: int | None, at_most: int
) -> Decided:
    """Decide on the first entries of a tenant that are `wanted`, by their ids, `at_most` at once.

    Those that are there now: what comes later is left out.
    """
    rows = _of_tenant(tenant_id).where(*conditions(session, tenant_id=tenant_id, wanted=wanted))
    ids = session.scalars(rows.where(TimeEntry.id > (after or 0)).limit(at_most + 1)).all()
    next_id = ids[at_most - 1] if len(ids) > at_most else None
    return _decide(session, ids[:at_most], decision, absent=(), next_id=next_id)


def _of_tenant(tenant_id: int) -> Select[int]:
    """The entries of a tenant by their ids, in that order."""
    return (
        select(TimeEntry.id)
        .join(Project, Project.id == TimeEntry.project_id)
        .join(Client, Client.id == Project.client_id)
        .where(Client.tenant_id == tenant_id)
        .order_by(TimeEntry.id)
    )


def _decide(
    session: Session,
    ids: Sequence[int],
    decision: Decision,
    *,
    absent: Sequence[Refusal],
    next_id: int | None,
) -> Decided:
    pending = set(_lock_pending(session, ids))
    _set(session, sorted(pending), decision)
    others = _states(session, [entry_id for entry_id in ids if entry_id not in pending])
    refused = {entry_id: state for entry_id, state in others.items() if state != decision.state}
    refusals = [_refusal(one, EntryDecided(entry_id=one, state=state)) for one, state in refused.items()]
    return Decided(
        decided=len(pending),
        unchanged=len(others) - len(refused),
        refused=len(refused) + len(absent),
        why=[*absent, *refusals][:MAX_NAMED],
        next=next_id,
    )


def _lock_pending(session: Session, ids: Sequence[int]) -> Iterator[int]:
    """Those that are pending, locked in the order of their ids, so that two never wait for each other.

    No other is locked: those that are approved are locked by whoever bills them, in an order of its own.
    """
    pending = select(TimeEntry.id).where(TimeEntry.state == EntryState.PENDING).order_by(TimeEntry.id)
    for chunk in _chunks(ids):
        yield from session.scalars(pending.where(TimeEntry.id.in_(chunk)).with_for_update())


def _states(session: Session, ids: Sequence[int]) -> dict[int, str]:
    states = select(TimeEntry.id, TimeEntry.state).order_by(TimeEntry.id)
    found: dict[int, str] = {}
    for chunk in _chunks(ids):
        found.update((row.id, row.state) for row in session.execute(states.where(TimeEntry.id.in_(chunk))))
    return found


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))


def _refusal(entry_id: int, error: GroundworkError) -> Refusal:
    return Refusal(entry_id, error.code, str(error))


def _set(session: Session, ids: Sequence[int], decision: Decision) -> None:
    decided = update(TimeEntry).values(
        state=decision.state,
        decided_by=decision.by,
        decided_at=decision.at,
        reason=decision.reason,
        changed_at=decision.at,
    )
    for chunk in _chunks(ids):
        one = decided.where(TimeEntry.id.in_(chunk))
        session.execute(one.execution_options(synchronize_session=False))

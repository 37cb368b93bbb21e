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
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Row, Select
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
    wanted = sorted(set(ids))
    found = session.execute(_locked(tenant_id).where(TimeEntry.id.in_(wanted))).all()
    unknown = set(wanted) - {row.id for row in found}
    absent = [_refusal(entry_id, EntryNotFound(entry_id=entry_id)) for entry_id in sorted(unknown)]
    return _decide(session, found, decision, absent=absent, next_id=None)


def frozen(session: Session, *, tenant_id: int, wanted: Wanted) -> Wanted:
    """`wanted` without what comes from now on."""
    newest = (
        select(TimeEntry.id)
        .join(Project, Project.id == TimeEntry.project_id)
        .join(Client, Client.id == Project.client_id)
        .where(Client.tenant_id == tenant_id)
    )
    upto_id = session.scalar(newest.order_by(TimeEntry.id.desc()).limit(1))
    return replace(wanted, upto_id=upto_id or 0)


def decide_wanted(
    session: Session, *, tenant_id: int, wanted: Wanted, decision: Decision, after: int | None, at_most: int
) -> Decided:
    """Decide on the first entries of a tenant that are `wanted`, by their ids, `at_most` at once.

    Those that are there now: they are locked before the first is changed, and what comes later is left out.
    """
    rows = _locked(tenant_id).where(*conditions(session, tenant_id=tenant_id, wanted=wanted))
    found = session.execute(rows.where(TimeEntry.id > (after or 0)).limit(at_most + 1)).all()
    next_id = found[at_most - 1].id if len(found) > at_most else None
    return _decide(session, found[:at_most], decision, absent=(), next_id=next_id)


def _locked(tenant_id: int) -> Select[int, str]:
    """The entries of a tenant with their states, locked in one order: two never wait for each other."""
    return (
        select(TimeEntry.id, TimeEntry.state)
        .join(Project, Project.id == TimeEntry.project_id)
        .join(Client, Client.id == Project.client_id)
        .where(Client.tenant_id == tenant_id)
        .order_by(TimeEntry.id)
        .with_for_update(of=TimeEntry)
    )


def _decide(
    session: Session,
    found: Sequence[Row[int, str]],
    decision: Decision,
    *,
    absent: Sequence[Refusal],
    next_id: int | None,
) -> Decided:
    pending = [row.id for row in found if row.state == EntryState.PENDING]
    decided_before = [row for row in found if row.state not in (EntryState.PENDING, decision.state)]
    _set(session, pending, decision)
    refusals = (_refusal(row.id, EntryDecided(entry_id=row.id, state=row.state)) for row in decided_before)
    return Decided(
        decided=len(pending),
        unchanged=len(found) - len(pending) - len(decided_before),
        refused=len(decided_before) + len(absent),
        why=[*absent, *refusals][:MAX_NAMED],
        next=next_id,
    )


def _refusal(entry_id: int, error: GroundworkError) -> Refusal:
    return Refusal(entry_id, error.code, str(error))


def _set(session: Session, ids: Sequence[int], decision: Decision) -> None:
    for start in range(0, len(ids), CHUNK):
        session.execute(
            update(TimeEntry)
            .where(TimeEntry.id.in_(ids[start : start + CHUNK]))
            .values(
                state=decision.state,
                decided_by=decision.by,
                decided_at=decision.at,
                reason=decision.reason,
                changed_at=decision.at,
            )
            .execution_options(synchronize_session=False)
        )

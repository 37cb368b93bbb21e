"""HTTP routes of time entries."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, status

from app.db.sessions import reading, transaction
from app.domains.billing.charging.periods import Period
from app.domains.billing.owners import (
    ENTRY_OF_ADMINS,
    ENTRY_OF_WORKERS,
    OF_ADMINS,
    OF_MEMBERS,
    PROJECT_OF_MEMBERS,
)
from app.domains.billing.scopes import READ, WRITE
from app.domains.billing.tenants import only_worker, tenant
from app.domains.billing.time_capture import deciding, entries, listing, schemas
from app.domains.billing.time_capture.models import EntryState
from app.settings.business_clock import business_now
from app.tokens.callers import Caller, require
from app.values.path_parameters import Cursor, Id, IdInQuery, Limit

router = APIRouter(prefix="/api/v1/billing", tags=["time entries"])
Reader = Annotated[Caller, Depends(require(READ, OF_MEMBERS))]
Admin = Annotated[Caller, Depends(require(WRITE, OF_ADMINS))]
EntryAdmin = Annotated[Caller, Depends(require(WRITE, ENTRY_OF_ADMINS))]
OtherPeriod = Annotated[str | None, Query(max_length=40, description="YYYY-MM, by the clients' clocks.")]

#: Entries that a request decides on by what they have in common.
AT_ONCE = 20_000


@router.get("/tenants/{tenant_id}/entries")
def list_entries(
    tenant_id: Id,
    caller: Reader,
    period: OtherPeriod = None,
    state: EntryState | None = None,
    client_id: IdInQuery = None,
    project_id: IdInQuery = None,
    user_id: IdInQuery = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> schemas.EntryPage:
    """The entries of a tenant, the last stored first; of a member who is no admin, their own."""
    wanted = listing.Wanted(
        period=None if period is None else Period.parse(period),
        state=state,
        client_id=client_id,
        project_id=project_id,
        user_id=user_id,
    )
    with reading() as session:
        tenant(session, tenant_id=tenant_id)
        mine = only_worker(session, tenant_id=tenant_id, only_user=caller.only_user)
        page = listing.entries(
            session, tenant_id=tenant_id, wanted=wanted, only_worker=mine, before=cursor, limit=limit
        )
    return schemas.EntryPage(entries=[schemas.EntryView.of(row) for row in page.rows], next=page.next)


@router.post("/projects/{project_id}/entries", status_code=status.HTTP_201_CREATED)
def create_entry(
    project_id: Id,
    given: schemas.NewEntry,
    caller: Annotated[Caller, Depends(require(WRITE, PROJECT_OF_MEMBERS))],
) -> schemas.EntryView:
    """Say what was worked on a project; it waits for an admin of the tenant."""
    with transaction() as session:
        made = entries.create(
            session,
            project_id=project_id,
            work=given.work(),
            user_id=caller.user_id if given.user_id is None else given.user_id,
            only_user=caller.only_user,
            now=business_now(),
        )
        return schemas.EntryView.of(listing.shown(session, entry_id=made.id))


@router.get("/entries/{entry_id}", dependencies=[Depends(require(READ, ENTRY_OF_WORKERS))])
def get_entry(entry_id: Id) -> schemas.EntryView:
    """One entry."""
    with reading() as session:
        return schemas.EntryView.of(listing.shown(session, entry_id=entry_id))


@router.put("/entries/{entry_id}", dependencies=[Depends(require(WRITE, ENTRY_OF_WORKERS))])
def change_entry(entry_id: Id, given: schemas.EntryIn) -> schemas.EntryView:
    """Say anew what was worked; 409 once somebody decided on it."""
    with transaction() as session:
        entries.change(
            session,
            entry_id=entry_id,
            project_id=given.project_id,
            work=given.work(),
            now=business_now(),
        )
        return schemas.EntryView.of(listing.shown(session, entry_id=entry_id))


@router.post("/entries/{entry_id}/approve")
def approve_entry(entry_id: Id, caller: EntryAdmin) -> schemas.EntryView:
    """Approve an entry, which is billed with its month then. Twice counts once."""
    return _decided(entry_id, _approval(caller))


@router.post("/entries/{entry_id}/reject")
def reject_entry(entry_id: Id, given: schemas.RejectIn, caller: EntryAdmin) -> schemas.EntryView:
    """Reject an entry, with the reason that its worker reads. Twice counts once."""
    return _decided(entry_id, _rejection(caller, given.reason))


@router.post("/entries/{entry_id}/reopen", dependencies=[Depends(require(WRITE, ENTRY_OF_ADMINS))])
def reopen_entry(entry_id: Id) -> schemas.EntryView:
    """Have an entry wait again that was approved or rejected; 409 once it was billed."""
    with transaction() as session:
        deciding.reopen(session, entry_id=entry_id, now=business_now())
        return schemas.EntryView.of(listing.shown(session, entry_id=entry_id))


@router.post("/tenants/{tenant_id}/entries/approve")
def approve_entries(tenant_id: Id, given: schemas.BulkIn, caller: Admin) -> schemas.DecidedView:
    """Approve many entries. Those that may not be are named, and keep no other from it."""
    return _decided_all(tenant_id, given, _approval(caller))


@router.post("/tenants/{tenant_id}/entries/reject")
def reject_entries(tenant_id: Id, given: schemas.BulkRejectIn, caller: Admin) -> schemas.DecidedView:
    """Reject many entries. Those that may not be are named, and keep no other from it."""
    return _decided_all(tenant_id, given, _rejection(caller, given.reason))


def _approval(caller: Caller) -> deciding.Decision:
    return deciding.Decision(state=EntryState.APPROVED, by=caller.user_id, at=business_now())


def _rejection(caller: Caller, reason: str) -> deciding.Decision:
    return deciding.Decision(state=EntryState.REJECTED, by=caller.user_id, at=business_now(), reason=reason)


def _decided(entry_id: int, decision: deciding.Decision) -> schemas.EntryView:
    with transaction() as session:
        deciding.decide(session, entry_id=entry_id, decision=decision)
        return schemas.EntryView.of(listing.shown(session, entry_id=entry_id))


def _decided_all(tenant_id: int, given: schemas.BulkIn, decision: deciding.Decision) -> schemas.DecidedView:
    with transaction() as session:
        tenant(session, tenant_id=tenant_id)
        if given.wanted is None:
            ids = given.ids or ()
            decided = deciding.decide_all(session, tenant_id=tenant_id, ids=ids, decision=decision)
        else:
            decided = deciding.decide_wanted(
                session,
                tenant_id=tenant_id,
                wanted=given.wanted.wanted(),
                decision=decision,
                after=given.wanted.after,
                at_most=AT_ONCE,
            )
    return schemas.DecidedView.of(decided)

"""Brings an item's transactions up to date: one sync of an item at a time, all of its pages or none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from app.domains.banking import connection
from app.domains.banking.errors import (
    AccountNotFound,
    ItemBroken,
    MalformedAnswer,
    MutatedDuringPagination,
    NeverSettled,
    PlaidRefused,
    SyncInProgress,
    SyncOvertaken,
)
from app.domains.banking.facts import SyncStats
from app.domains.banking.models import BankAccount, ItemStatus, PlaidItem
from app.domains.banking.plaid.ahead import Ahead
from app.domains.banking.sync import set_aside as aside
from app.domains.banking.sync.applying import (
    add_accounts,
    mark_failed,
    mark_synced,
    put_accounts,
    put_page,
    take_up,
    targets_of,
)
from app.domains.banking.sync.requests import request_check
from app.domains.banking.sync.spool import Spool
from app.jobs.service import is_under_way

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint
    from app.domains.banking.facts import AccountFacts, Page
    from app.domains.banking.plaid.client import Plaid


#: So often all pages are read anew because transactions changed meanwhile.
MAX_TRIES = 5


@dataclass(kw_only=True)
class _Sync:
    """One run: what was claimed, and what has come so far."""

    item_id: int
    household_id: int
    #: Empty until Plaid could say it.
    institution: str
    access_token: str
    job_id: str
    #: Where the item stood when it was claimed; the run is void if it stands elsewhere at the end.
    begun_at: str | None
    accounts: dict[str, AccountFacts]
    cursor: str | None = None
    stats: SyncStats

    def note(self, page: Page) -> None:
        """Count a page, and know the accounts that it names."""
        self.accounts.update({facts.id: facts for facts in page.accounts})
        self.stats = replace(
            self.stats,
            pages=self.stats.pages + 1,
            put=self.stats.put + len(page.put),
            removed=self.stats.removed + len(page.removed),
        )


def item_of_account(session: Session, *, account_id: int) -> int:
    """The item that an account belongs to. Raises `AccountNotFound`."""
    found = session.scalar(select(BankAccount.item_id).where(BankAccount.id == account_id))
    if found is None:
        raise AccountNotFound(account_id=account_id)
    return found


def sync_item(
    session: Session,
    *,
    item_id: int,
    plaid: Plaid,
    job_id: str,
    commit: Checkpoint,
    now: datetime,
) -> SyncStats:
    """Apply all that has changed at Plaid since the last sync of the item.

    A connection that needs its user is an answer, not a failure: it is told to the household.
    Raises `SyncInProgress`, and what Plaid's port raises.
    """
    run = _claim(session, item_id=item_id, job_id=job_id)
    commit()
    if run.stats.status == ItemStatus.REVOKED:
        return run.stats
    with Spool() as spool:
        try:
            _fetch(run, plaid=plaid, spool=spool)
        except ItemBroken as error:
            return _broken(session, run, error=error, now=now)
        except PlaidRefused as error:
            mark_failed(session, item_id=item_id, reason=str(error))
            commit()
            raise
        return _apply(session, run, spool=spool, now=now)


def _claim(session: Session, *, item_id: int, job_id: str) -> _Sync:
    item = connection.locked(session, item_id=item_id)
    if item.sync_job_id not in (None, job_id) and is_under_way(session, job_id=item.sync_job_id):
        raise SyncInProgress(item_id=item_id, job_id=str(item.sync_job_id))
    if item.sync_job_id != job_id:
        # From here on who asks for a sync gets another one after this: it may have missed what they know of.
        item.syncs += 1
        item.sync_job_id = job_id
    session.flush()
    return _Sync(
        item_id=item.id,
        household_id=item.household_id,
        institution=item.institution,
        access_token=item.access_token,
        job_id=job_id,
        begun_at=item.cursor,
        accounts={},
        stats=SyncStats(status=item.status),
    )


def _fetch(run: _Sync, *, plaid: Plaid, spool: Spool) -> None:
    """Read every page into `spool`."""
    run.institution = run.institution or plaid.item(access_token=run.access_token).institution
    if run.begun_at is None:
        told = plaid.accounts(access_token=run.access_token)
        run.accounts.update({facts.id: facts for facts in told.facts})
    for _ in range(MAX_TRIES):
        try:
            return _fetch_once(run, plaid=plaid, spool=spool)
        except MutatedDuringPagination:
            spool.clear()
    raise NeverSettled(item_id=run.item_id, tries=MAX_TRIES)


def _fetch_once(run: _Sync, *, plaid: Plaid, spool: Spool) -> None:
    run.stats, cursor = SyncStats(status=run.stats.status), run.begun_at
    seen = {cursor}
    with Ahead() as ahead:
        while True:
            page = plaid.changes(access_token=run.access_token, cursor=cursor, ahead=ahead)
            spool.add(page)
            run.note(page)
            # Before an item's first data is there, Plaid answers with an empty cursor.
            run.cursor = cursor = page.cursor or cursor
            if not page.has_more:
                return
            if cursor in seen:
                raise MalformedAnswer("transactions_sync", problem=f'it repeats the cursor "{cursor}"')
            seen.add(cursor)


def _apply(session: Session, run: _Sync, *, spool: Spool, now: datetime) -> SyncStats:
    add_accounts(session, item_id=run.item_id, accounts=run.accounts.values())
    targets = targets_of(session, item_id=run.item_id, household_id=run.household_id)
    take_up(session, targets=targets)
    set_aside = sum(put_page(session, page, targets=targets, now=now) for page in spool.pages())
    # The item and then its accounts are held, as everywhere, and only once the pages are written:
    # webhooks of the item wait for this.
    _advance(session, run, now=now)
    put_accounts(session, item_id=run.item_id, accounts=run.accounts.values())
    mark_synced(session, item_id=run.item_id, now=now)
    if run.stats.put or run.stats.removed:
        request_check(session, household_id=run.household_id)
    item = connection.locked(session, item_id=run.item_id)
    if item.status in connection.BROKEN:
        connection.repaired(session, item, now=now)
    if set_aside:
        connection.incomplete(session, item, since=aside.since(session, item_id=item.id) or now)
    return replace(run.stats, status=item.status, set_aside=set_aside)


def _advance(session: Session, run: _Sync, *, now: datetime) -> None:
    """Move the item's cursor on, if the item is still as this run found it. Raises `SyncOvertaken`."""
    moved = session.execute(
        update(PlaidItem)
        .where(
            PlaidItem.id == run.item_id,
            PlaidItem.sync_job_id == run.job_id,
            PlaidItem.cursor.is_not_distinct_from(run.begun_at),
        )
        .values(cursor=run.cursor, synced_at=now, institution=run.institution)
        .returning(PlaidItem.id)
        .execution_options(synchronize_session=False)
    )
    if moved.scalar() is None:
        raise SyncOvertaken(item_id=run.item_id)


def _broken(session: Session, run: _Sync, *, error: ItemBroken, now: datetime) -> SyncStats:
    item = connection.locked(session, item_id=run.item_id)
    connection.broken(session, item, reason=error.reason, now=now)
    return replace(run.stats, status=item.status, error=error.reason)

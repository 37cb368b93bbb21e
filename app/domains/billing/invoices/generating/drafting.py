"""Makes drafts of what a client owes for a month, and makes them anew while they are drafts.

The client's row is locked by whoever calls this, so that of all who do it at once the first writes, and the
others find it written.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from app.domains.billing.invoices.generating import late, rows, unused
from app.domains.billing.invoices.generating.grouping import Group, Key, groups_of
from app.domains.billing.invoices.generating.months import reckon
from app.domains.billing.invoices.generating.numbering import take_numbers
from app.domains.billing.invoices.generating.rows import Rows
from app.domains.billing.invoices.generating.standing import buyer_of, seller_of
from app.domains.billing.invoices.models import Invoice, InvoiceKind, InvoiceState
from app.domains.billing.time_capture.models import EntryState, TimeEntry
from app.settings.business_clock import local_time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.domains.billing.charging.periods import Period
    from app.domains.billing.models import Client, Tenant

#: Entries in one statement; a statement of SQLite takes 32,766 parameters.
CHUNK = 10_000
#: States of invoices that somebody took back.
TAKEN_BACK = (InvoiceState.CREDITED, InvoiceState.CANCELED)


class Made(StrEnum):
    """What became of an invoice in a run."""

    NEW = "made"
    ANEW = "made_anew"
    SAME = "unchanged"
    OUT = "out_already"
    LEFT = "taken_back"
    DROPPED = "canceled"


@dataclass(frozen=True, kw_only=True)
class Month:
    """A client's month, and who charges it when."""

    tenant: Tenant
    client: Client
    period: Period
    now: datetime

    @property
    def today(self) -> date:
        """The day by the tenant's clock."""
        return local_time(self.now, timezone=self.tenant.timezone).date()


def draft(session: Session, month: Month, *, again: bool) -> Counter[Made]:
    """Bring the drafts of a month in line with what is approved.

    What somebody credited or canceled is made once more only if they ask for that with `again`. Raises one
    of `app.errors.InvalidInput` for what nothing can be charged by, and `NumberTaken`.
    """
    reckoned = reckon(session, month.client, period=month.period)
    found = _found(session, month)
    counts: Counter[Made] = Counter()
    new: list[Group] = []
    groups = groups_of(reckoned)
    for group in groups:
        counts[_settle(session, month, group, found=found, new=new, again=again)] += 1
        if group in new or _is_draft(found.open.get(group.key)):
            unused.keep(session, group.rule_ids, reckoned=reckoned, period=month.period)
    counts[Made.DROPPED] += _drop(found, keys={group.key for group in groups})
    _write_new(session, month, new)
    return +counts


@dataclass(frozen=True, kw_only=True)
class _Found:
    """The month's invoices that there are."""

    open: dict[Key, Invoice]
    taken_back: set[Key]


def _found(session: Session, month: Month) -> _Found:
    mine = (Invoice.client_id == month.client.id) & (Invoice.period == str(month.period))
    rows = select(Invoice).where(mine, Invoice.kind == InvoiceKind.INVOICE)
    invoices = session.scalars(rows.execution_options(populate_existing=True))
    keyed = [(Key(invoice.project_id, invoice.currency), invoice) for invoice in invoices]
    return _Found(
        open={key: invoice for key, invoice in keyed if invoice.state not in TAKEN_BACK},
        taken_back={key for key, invoice in keyed if invoice.state in TAKEN_BACK},
    )


def _is_draft(invoice: Invoice | None) -> bool:
    """Whether it can be made anew."""
    return invoice is not None and invoice.state == InvoiceState.DRAFT and invoice.mailing_since is None


def _settle(
    session: Session, month: Month, group: Group, *, found: _Found, new: list[Group], again: bool
) -> Made:
    """What is to become of a group; one that is to be a new invoice is put with the `new` ones."""
    invoice = found.open.get(group.key)
    if invoice is None:
        if group.key in found.taken_back and not again:
            _mark(session, group.entry_ids, EntryState.APPROVED, now=month.now)
            return Made.LEFT
        _mark(session, group.entry_ids, EntryState.BILLED, now=month.now)
        new.append(group)
        return Made.NEW
    if not _is_draft(invoice):
        # Some may have been on a draft, of a rule that is another one now.
        _mark(session, group.entry_ids, EntryState.APPROVED, now=month.now)
        late.note_late(session, group.entry_ids, invoice=invoice, now=month.now)
        return Made.OUT
    return _make_anew(session, month, invoice, group)


def _make_anew(session: Session, month: Month, invoice: Invoice, group: Group) -> Made:
    made = Rows.of(group.charged)
    if made == Rows.stored(session, invoice_id=invoice.id):
        return Made.SAME
    rows.clear(session, invoice_id=invoice.id)
    invoice.net, invoice.tax, invoice.gross = group.charged.net, group.charged.tax, group.charged.gross
    invoice.seller, invoice.buyer = seller_of(month.tenant), buyer_of(month.client)
    session.flush()
    made.store(session, invoice_id=invoice.id)
    _mark(session, group.entry_ids, EntryState.BILLED, now=month.now)
    return Made.ANEW


def _drop(found: _Found, *, keys: set[Key]) -> int:
    """Cancel drafts of which nothing is left: their rules were changed, and their time is on others."""
    left = [one for key, one in found.open.items() if key not in keys and _is_draft(one)]
    for invoice in left:
        invoice.state = InvoiceState.CANCELED
    return len(left)


def _write_new(session: Session, month: Month, groups: Sequence[Group]) -> None:
    """Number the new invoices and write them: last, because numbers make others wait."""
    if not groups:
        return
    today = month.today
    numbers = take_numbers(session, month.tenant, day=today, count=len(groups))
    for group, number in zip(groups, numbers, strict=True):
        charged = group.charged
        invoice = Invoice(
            tenant_id=month.tenant.id,
            client_id=month.client.id,
            project_id=group.key.project_id,
            kind=InvoiceKind.INVOICE,
            state=InvoiceState.DRAFT,
            period=str(month.period),
            number=number.text,
            year=number.year,
            sequence=number.sequence,
            currency=group.key.currency,
            net=charged.net,
            tax=charged.tax,
            gross=charged.gross,
            paid=0,
            issued_on=today,
            due_on=today + timedelta(days=month.client.payment_days),
            seller=seller_of(month.tenant),
            buyer=buyer_of(month.client),
            created_at=month.now,
            refused_mails=0,
            overdue_told=0,
        )
        session.add(invoice)
        session.flush()
        Rows.of(charged).store(session, invoice_id=invoice.id)


def _mark(session: Session, entry_ids: Sequence[int], state: EntryState, *, now: datetime) -> None:
    """Mark entries, of which each is approved or was on a draft, as billed or as approved."""
    for start in range(0, len(entry_ids), CHUNK):
        others = TimeEntry.id.in_(entry_ids[start : start + CHUNK]) & (TimeEntry.state != state)
        marked = update(TimeEntry).where(others).values(state=state, changed_at=now)
        session.execute(marked.execution_options(synchronize_session=False))

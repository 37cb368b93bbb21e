"""What a client's month is charged by: its time, rules and unused hours, as they are stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select

from app.domains.billing.charging.calculation import calculate
from app.domains.billing.charging.entries import MAX_LENGTH, Entry
from app.domains.billing.charging.periods import Period
from app.domains.billing.invoices.generating import unused
from app.domains.billing.invoices.models import Invoice, InvoiceKind, InvoiceState, LineEntry
from app.domains.billing.models import Project
from app.domains.billing.stored_rules import rule_of, rules_of
from app.domains.billing.time_capture.models import EntryState, TimeEntry
from app.values.timezones import check_timezone

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from app.domains.billing.charging.invoices import Charges
    from app.domains.billing.charging.rules import Rule
    from app.domains.billing.models import Client

#: A worker's day can be on for so long when it is over for the client, and was begun as long before.
_APART = timedelta(days=2)


@dataclass(frozen=True, kw_only=True)
class Reckoned:
    """What a client owes for a month, and the rules by which."""

    charges: Charges
    rules: Mapping[int, Rule]


def last_over(now: datetime, *, timezone: str) -> Period:
    """The last month that is over in that zone. Raises `UnknownTimezone`."""
    check_timezone(timezone)
    first = now.astimezone(ZoneInfo(timezone)).date().replace(day=1)
    return Period.of(first - timedelta(days=1))


def reckon(session: Session, client: Client, *, period: Period) -> Reckoned:
    """What is to be charged now: approved time, and what is on drafts, which can be made anew.

    Raises one of `app.errors.InvalidInput` for rules or time that nothing can be charged by.
    """
    rules = [rule_of(row) for row in rules_of(session, client_id=client.id)]
    month = _Month(client=client, period=period)
    charges = calculate(
        period=period,
        timezone=client.timezone,
        rules=rules,
        # Locked, so that nobody takes an approval back before it is billed.
        entries=_entries(session, month.worked().with_for_update(of=TimeEntry, key_share=True)),
        earlier=_entries(session, month.worked_before()),
        carried=unused.carried(session, rules, period=period),
    )
    return Reckoned(charges=charges, rules={rule.id: rule for rule in rules})


class _Month:
    """The time entries of a client around a month of its clock."""

    def __init__(self, *, client: Client, period: Period) -> None:
        check_timezone(client.timezone)
        self._client_id, self._period = client.id, period
        self._begin, self._end = period.instants(ZoneInfo(client.timezone))

    def worked(self) -> Select[TimeEntry]:
        """What starts in the month, and is approved or on a draft."""
        return self._started(self._begin, self._end).where(
            or_(TimeEntry.state == EntryState.APPROVED, TimeEntry.id.in_(self._on_drafts()))
        )

    def worked_before(self) -> Select[TimeEntry]:
        """What was billed before, by workers for whom a day of the month may have begun then."""
        return self._started(self._begin - MAX_LENGTH, self._begin).where(
            TimeEntry.state == EntryState.BILLED, TimeEntry.ended_at > self._begin - _APART
        )

    def _started(self, since: datetime, until: datetime) -> Select[TimeEntry]:
        return (
            select(TimeEntry)
            .join(Project, Project.id == TimeEntry.project_id)
            .where(Project.client_id == self._client_id, Project.is_billable)
            .where(TimeEntry.started_at >= since, TimeEntry.started_at < until)
        )

    def _on_drafts(self) -> Select[int]:
        return (
            select(LineEntry.entry_id)
            .join(Invoice, Invoice.id == LineEntry.invoice_id)
            .where(Invoice.client_id == self._client_id, Invoice.period == str(self._period), REMAKEABLE)
        )


#: Drafts whose mail is not on its way.
REMAKEABLE: ColumnElement[bool] = (
    (Invoice.kind == InvoiceKind.INVOICE)
    & (Invoice.state == InvoiceState.DRAFT)
    & Invoice.mailing_since.is_(None)
)


def _entries(session: Session, rows: Select[TimeEntry]) -> list[Entry]:
    columns = (TimeEntry.id, TimeEntry.project_id, TimeEntry.user_id, TimeEntry.timezone)
    times = rows.with_only_columns(*columns, TimeEntry.started_at, TimeEntry.ended_at)
    return [
        Entry(id=id_, project_id=project_id, worker_id=user_id, timezone=zone, start=start, end=end)
        for id_, project_id, user_id, zone, start, end in session.execute(times.order_by(TimeEntry.id))
    ]

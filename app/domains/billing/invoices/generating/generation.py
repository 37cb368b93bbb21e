"""Makes the invoices of a month: client by client, each in a transaction of its own.

However often and by however many at once this is run, what is there is found and stays. A client whose rules
or time nothing can be charged by is named with the reason, and stops no other.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import or_, select

from app.domains.billing.charging.periods import Period, midnight
from app.domains.billing.invoices.errors import PeriodNotOver
from app.domains.billing.invoices.finding import KEEPING
from app.domains.billing.invoices.generating import late
from app.domains.billing.invoices.generating.alerting import ALERT
from app.domains.billing.invoices.generating.drafting import Month, draft
from app.domains.billing.invoices.generating.months import REMAKEABLE, last_over
from app.domains.billing.invoices.models import Invoice
from app.domains.billing.models import BillingRule, Client, Project, RuleKind, Tenant
from app.domains.billing.time_capture.models import EntryState, TimeEntry
from app.errors import GroundworkError
from app.jobs.accept import accept
from app.jobs.factory import new_job
from app.outbound.alerts.look import Look, Problem
from app.outbound.alerts.service import open_alerts, take

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint

log = structlog.get_logger(__name__)

GENERATE_TASK = "invoices.generate_pending_invoices"
FIX = "Mend the rules or the entries that the sentence names; the next run charges the month."
#: Ids of clients that are looked up at once.
CHUNK = 500
#: So many of the clients that cannot be charged are named in the result.
MAX_NAMED = 50
#: Where the day ends first, and where last.
EARLIEST, LATEST = timedelta(hours=14), timedelta(hours=12)


@dataclass(kw_only=True)
class Run:
    """What a run did so far."""

    counts: Counter[str] = field(default_factory=Counter)
    #: By client, in a sentence.
    failed: dict[int, str] = field(default_factory=dict)
    looked_at: set[str] = field(default_factory=set)
    problems: dict[str, Problem] = field(default_factory=dict)

    def result(self) -> dict[str, Any]:
        """For JSON."""
        named = dict(sorted(self.failed.items())[:MAX_NAMED])
        return {
            **self.counts,
            "failed": len(self.failed),
            "failures": {str(client_id): said for client_id, said in named.items()},
        }


def request(session: Session, *, period: str | None, tenant_id: int | None, now: datetime) -> str:
    """Have a worker make the invoices of a month; the id of the job.

    Raises `PeriodNotOver`, and `MalformedPeriod`.
    """
    if period is not None:
        _check_over(Period.parse(period), now=now)
    asked = {"billing_period": period, "tenant_id": tenant_id}
    given = {name: value for name, value in asked.items() if value is not None}
    return accept(session, [new_job(GENERATE_TASK, kwargs=given)])[0].id


def generate(
    session: Session,
    *,
    period: Period | None,
    tenant_id: int | None = None,
    now: datetime,
    commit: Checkpoint,
) -> Run:
    """Make the drafts of `period`, or of the last month that is over by each client's own clock.

    `commit` ends the transaction of each client. Raises `PeriodNotOver`.
    """
    if period is not None:
        _check_over(period, now=now)
    run = Run()
    for client_id in _clients(session, _days(period, now=now), tenant_id=tenant_id):
        _generate_one(session, client_id, period=period, now=now, run=run)
        run.counts["clients"] += 1
        commit({"clients": run.counts["clients"]})
    late.close_settled(session, now=now)
    if tenant_id is None:
        run.looked_at |= _owed_before(session, _days(period, now=now))
    take(session, [Look(kind=ALERT, problems=run.problems, subjects=frozenset(run.looked_at))])
    return run


def _owed_before(session: Session, days: tuple[date, date]) -> set[str]:
    """What there are alerts of for the months of a run that looked at all who owe something for them."""
    months = tuple(f", {Period.of(day)}" for day in days)
    return {row.subject for row in open_alerts(session) if row.kind == ALERT and row.subject.endswith(months)}


def _check_over(period: Period, *, now: datetime) -> None:
    """Raise `PeriodNotOver` unless the month is over somewhere."""
    if now + EARLIEST < midnight(period.last + timedelta(days=1), ZoneInfo("UTC")):
        raise PeriodNotOver(period=period)


def _generate_one(
    session: Session, client_id: int, *, period: Period | None, now: datetime, run: Run
) -> None:
    # The lock is what makes runs at the same time wait for each other.
    client = session.get(Client, client_id, with_for_update=KEEPING, populate_existing=True)
    if client is None or client.ended_at is not None:
        return
    subject = f"client {client_id}"
    try:
        last = last_over(now, timezone=client.timezone)
        if period is not None and period > last:
            run.counts["not_over"] += 1
            return
        subject = f"client {client_id}, {period or last}"
        month = Month(
            tenant=session.get_one(Tenant, client.tenant_id, populate_existing=True),
            client=client,
            period=period or last,
            now=now,
        )
        with session.begin_nested():
            run.counts.update(draft(session, month, again=period is not None))
    except GroundworkError as error:
        log.warning("client_not_charged", client=client_id, error=str(error))
        run.failed[client_id] = str(error)
        run.problems[subject] = Problem(sentence=f"{client.name} cannot be charged: {error}", fix=FIX)
    run.looked_at.add(subject)


def _days(period: Period | None, *, now: datetime) -> tuple[date, date]:
    """The first and the last day of the month, or months, that are charged."""
    if period is not None:
        return period.first, period.last
    over = [last_over(moment, timezone="UTC") for moment in (now - LATEST, now + EARLIEST)]
    return min(over).first, max(over).last


def _clients(session: Session, days: tuple[date, date], *, tenant_id: int | None) -> Iterator[int]:
    """The clients that may owe something for those days, by their ids."""
    after = 0
    while True:
        rows = select(Client.id).where(Client.id > after, Client.ended_at.is_(None), _may_owe(*days))
        if tenant_id is not None:
            rows = rows.where(Client.tenant_id == tenant_id)
        found: Sequence[int] = session.scalars(rows.order_by(Client.id).limit(CHUNK)).all()
        yield from found
        if len(found) < CHUNK:
            return
        after = found[-1]


def _may_owe(first: date, last: date) -> ColumnElement[bool]:
    """Whether there are approved entries around those days, or a fee or a draft for them."""
    utc = ZoneInfo("UTC")
    since = midnight(first, utc) - EARLIEST
    until = midnight(last + timedelta(days=1), utc) + LATEST
    worked = (
        select(TimeEntry.id)
        .join(Project, Project.id == TimeEntry.project_id)
        .where(Project.client_id == Client.id, Project.is_billable)
        .where(TimeEntry.state == EntryState.APPROVED)
        .where(TimeEntry.started_at >= since, TimeEntry.started_at < until)
    )
    fees = select(BillingRule.id).where(
        BillingRule.client_id == Client.id,
        BillingRule.kind != RuleKind.HOURLY,
        BillingRule.effective_from <= last,
        or_(BillingRule.effective_to.is_(None), BillingRule.effective_to >= first),
    )
    drafts = select(Invoice.id).where(Invoice.client_id == Client.id, REMAKEABLE)
    months = Invoice.period >= str(Period.of(first)), Invoice.period <= str(Period.of(last))
    return or_(worked.exists(), fees.exists(), drafts.where(*months).exists())

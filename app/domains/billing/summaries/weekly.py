"""Tells admins of tenants of a week: what was invoiced, what was paid, and what is overdue."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, exists, func, select

from app.domains.billing.invoices.models import Invoice, InvoiceKind, InvoiceState, Payment
from app.domains.billing.models import Role, Tenant, TenantMember
from app.domains.billing.telling import Occasion, Told, tell
from app.domains.billing.time_capture.wording import day
from app.domains.notifications.facts import Notice
from app.values.money import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import date

    from sqlalchemy import ColumnElement, Select, Subquery
    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint

#: What preferences are kept by.
TYPE = "weekly_invoice_summary"
TIME_OF_DAY = time(9)
WEEK = timedelta(days=7)
#: What is not out, or never went out.
_NOT_ISSUED = (InvoiceState.DRAFT, InvoiceState.CANCELED)
#: What somebody still has to pay.
_OWED = (InvoiceState.SENT, InvoiceState.PARTIAL, InvoiceState.OVERDUE)


@dataclass(frozen=True, kw_only=True)
class _Line:
    """A number of invoices or payments in one currency, with what they come to."""

    title: str
    currency: str
    count: int
    amount: int

    def __str__(self) -> str:
        return f"- {self.title}: {self.count}, {shown(self.amount, self.currency)}"


@dataclass(frozen=True, kw_only=True)
class _Week:
    """The week before the day of a moment, from Monday to Sunday."""

    monday: date
    #: The day after it.
    until: date
    begins_at: datetime
    ends_at: datetime

    @classmethod
    def before(cls, here: datetime) -> _Week:
        today = here.date()
        monday = today - WEEK
        begins_at, ends_at = (
            datetime.combine(day_, time(), here.tzinfo).astimezone(UTC) for day_ in (monday, today)
        )
        return cls(monday=monday, until=today, begins_at=begins_at, ends_at=ends_at)

    def has(self, moment: Any) -> ColumnElement[bool]:
        return and_(moment >= self.begins_at, moment < self.ends_at)


class _Admin(NamedTuple):
    user_id: int
    tenant_id: int
    tenant: str


def send_weekly_invoice_summaries(session: Session, *, now: datetime, commit: Checkpoint) -> Told:
    """Tell all admins for whom it is Monday past nine, and whose tenants had invoices to tell of.

    `commit` ends the transaction of each chunk.
    """
    occasion = Occasion(
        at=TIME_OF_DAY,
        is_on=lambda today: today.weekday() == 0,
        whom=_are_admins,
        key=_key,
        notices=_notices,
    )
    return tell(session, occasion, now=now, commit=commit)


def _are_admins(clock: Subquery) -> ColumnElement[bool]:
    return exists().where(TenantMember.user_id == clock.c.user_id, TenantMember.role == Role.ADMIN)


def _key(user_id: int, today: date) -> str:
    return f"weekly-invoice-summary:{user_id}:{(today - WEEK).isoformat()}"


def _notices(session: Session, user_ids: Sequence[int], here: datetime) -> Iterator[Notice]:
    week = _Week.before(here)
    monday = week.monday
    admins = _admins(session, user_ids)
    lines = _lines(session, {one.tenant_id for one in admins}, week=week)
    said: dict[int, list[str]] = defaultdict(list)
    for admin in admins:
        if admin.tenant_id in lines:
            said[admin.user_id] += [f"{admin.tenant}", *map(str, lines[admin.tenant_id])]
    for user_id, told in said.items():
        yield Notice(
            key=_key(user_id, week.until),
            user_id=user_id,
            type=TYPE,
            title=f"Invoices of the week from {day(monday)}",
            body="\n".join(told),
            data={"week": monday.isoformat()},
        )


def _admins(session: Session, user_ids: Collection[int]) -> Sequence[_Admin]:
    statement = (
        select(TenantMember.user_id, TenantMember.tenant_id, Tenant.name)
        .join(Tenant, Tenant.id == TenantMember.tenant_id)
        .where(TenantMember.user_id.in_(user_ids), TenantMember.role == Role.ADMIN)
        .order_by(TenantMember.user_id, Tenant.name, Tenant.id)
    )
    return [_Admin(*row) for row in session.execute(statement)]


def _lines(session: Session, tenant_ids: Collection[int], *, week: _Week) -> Mapping[int, list[_Line]]:
    """What there is to say of each tenant, by currency; of one without invoices there is nothing."""
    # By when it came to be, and not by the date on it: what is entered late is told in some week, too.
    was_sent = and_(week.has(Invoice.sent_at), Invoice.state.not_in(_NOT_ISSUED))
    is_invoice = Invoice.kind == InvoiceKind.INVOICE
    is_overdue = and_(Invoice.state.in_(_OWED), Invoice.due_on < week.until)
    sums = {
        "Issued": _sums(Invoice.gross).where(is_invoice, was_sent),
        "Credited": _sums(-Invoice.gross).where(
            Invoice.kind == InvoiceKind.CREDIT_NOTE, week.has(Invoice.created_at)
        ),
        "Paid": _sums(Payment.amount)
        .join(Payment, Payment.invoice_id == Invoice.id)
        .where(week.has(Payment.created_at)),
        "Overdue now": _sums(Invoice.gross - Invoice.paid).where(is_invoice, is_overdue),
    }
    found: dict[int, list[_Line]] = defaultdict(list)
    for title, statement in sums.items():
        for tenant_id, currency, count, amount in session.execute(
            statement.where(Invoice.tenant_id.in_(tenant_ids))
        ):
            line = _Line(title=title, currency=currency, count=count, amount=int(amount))
            found[tenant_id].append(line)
    return found


def _sums(amount: Any) -> Select[Any]:
    columns = (Invoice.tenant_id, Invoice.currency)
    return (
        select(*columns, func.count(), func.sum(amount))
        .select_from(Invoice)
        .group_by(*columns)
        .order_by(*columns)
    )

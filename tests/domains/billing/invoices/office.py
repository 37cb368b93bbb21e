"""A tenant with clients, rules and time, and what is invoiced of it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.domains.billing.charging.periods import Period
from app.domains.billing.invoices.generating.generation import generate
from app.domains.billing.invoices.models import Invoice, InvoiceLine, LineEntry
from app.domains.billing.models import BillingRule, Client, Project, Role, Tenant, TenantMember
from app.domains.billing.time_capture.models import TimeEntry
from tests.checkpoints import committing
from tests.domains.notifications import people

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBERS = itertools.count(1)
MADE = datetime(2026, 1, 1, tzinfo=UTC)
#: October 2026 is over.
NOVEMBER = datetime(2026, 11, 2, 2, tzinfo=UTC)
OCTOBER = "2026-10"


def add(row: Any) -> int:
    """Store a row; gives its id."""
    with transaction() as session:
        session.add(row)
        session.flush()
        return int(row.id)


@dataclass(kw_only=True)
class Customer:
    """A client with a project."""

    id: int
    project: int
    worker: int

    def worked(
        self,
        day: int = 5,
        hours: float = 8,
        *,
        project: int | None = None,
        **facts: Any,
    ) -> int:
        """Time on a day of October, from nine in UTC; gives the id of its entry."""
        start = facts.pop("start", None) or datetime(2026, 10, day, 9, tzinfo=UTC)
        return add(
            TimeEntry(
                **{
                    "project_id": project or self.project,
                    "user_id": self.worker,
                    "source": "manual",
                    "state": "approved",
                    "started_at": start,
                    "ended_at": start + timedelta(hours=hours),
                    "timezone": "UTC",
                    "description": "Work",
                    "created_at": MADE,
                    "changed_at": MADE,
                }
                | facts
            )
        )

    def rule(self, **facts: Any) -> int:
        """A rule of 100.00 EUR an hour, or another; gives its id."""
        return add(BillingRule(**({"client_id": self.id} | HOURLY | facts)))

    def open_project(self, name: str = "Second", **facts: Any) -> int:
        """One more project; gives its id."""
        facts = {"is_billable": True, "created_at": MADE} | facts
        return add(Project(client_id=self.id, name=name, **facts))


HOURLY: dict[str, Any] = {
    "kind": "hourly",
    "currency": "EUR",
    "rate": 100_00,
    "carry_periods": 0,
    "rounding_minutes": 0,
    "rounding_direction": "nearest",
    "tax_category": "S",
    "tax_percent": Decimal(19),
    "effective_from": date(2026, 1, 1),
}
FIXED = {"kind": "fixed", "rate": None, "fee": 500_00}
RETAINER = {"kind": "retainer", "fee": 800_00, "included_hours": Decimal(10), "carry_periods": 2}


@dataclass(kw_only=True)
class Office:
    """A tenant with one admin, who also works."""

    id: int
    admin: int
    clients: list[Customer] = field(default_factory=list)

    def client(self, name: str = "", **facts: Any) -> Customer:
        """A client with a project."""
        number = next(_NUMBERS)
        client_id = add(
            Client(
                **{
                    "tenant_id": self.id,
                    "name": name or f"Client {number}",
                    "email": f"client{number}@example.org",
                    "address": "Markt 1\n10115 Berlin",
                    "country": "DE",
                    "timezone": "UTC",
                    "payment_days": 14,
                    "created_at": MADE,
                }
                | facts
            )
        )
        project = add(Project(client_id=client_id, name="First", is_billable=True, created_at=MADE))
        self.clients.append(Customer(id=client_id, project=project, worker=self.admin))
        return self.clients[-1]


def found_office(**facts: Any) -> Office:
    """A tenant."""
    usual = {
        "name": "Office",
        "address": "Hafen 2\n20457 Hamburg",
        "country": "DE",
        "email": "office@example.org",
        "tax_number": "DE123456789",
        "iban": "DE89370400440532013000",
        "timezone": "UTC",
        "layout": "classic",
        "number_prefix": "R",
        "is_numbered_by_year": True,
        "created_at": MADE,
    }
    tenant = add(Tenant(**(usual | facts)))
    admin = people.add_user(timezone="UTC")
    with transaction() as session:
        session.add(TenantMember(tenant_id=tenant, user_id=admin, role=Role.ADMIN))
    return Office(id=tenant, admin=admin)


def run(
    period: str | None = OCTOBER, *, now: datetime = NOVEMBER, tenant_id: int | None = None
) -> dict[str, Any]:
    """Generate as the task does; gives what the task gives."""
    with Session(engine(), expire_on_commit=False) as session:
        done = generate(
            session,
            period=None if period is None else Period.parse(period),
            tenant_id=tenant_id,
            now=now,
            commit=committing(session),
        )
        session.commit()
    return done.result()


def invoices() -> Sequence[Invoice]:
    """All there are, the first made first."""
    with reading() as session:
        return session.scalars(select(Invoice).order_by(Invoice.id)).all()


def lines(invoice_id: int) -> Sequence[InvoiceLine]:
    """The lines of an invoice."""
    with reading() as session:
        rows = select(InvoiceLine).where(InvoiceLine.invoice_id == invoice_id)
        return session.scalars(rows.order_by(InvoiceLine.position)).all()


def shares(invoice_id: int) -> dict[int, int]:
    """The seconds of entries on an invoice."""
    with reading() as session:
        rows = session.execute(
            select(LineEntry.entry_id, LineEntry.seconds).where(LineEntry.invoice_id == invoice_id)
        )
        return {entry_id: seconds for entry_id, seconds in rows}  # noqa: C416


def entry(entry_id: int) -> TimeEntry:
    """An entry as it is now."""
    with reading() as session:
        return session.get_one(TimeEntry, entry_id)

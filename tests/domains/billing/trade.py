"""A tenant with a client, a project and a rule, and those who work for it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from app.db.sessions import transaction
from app.domains.billing import billing_rules, clients, tenants
from app.domains.billing.models import BillingRule, Role
from app.domains.billing.parties import ClientFacts, Layout, TenantFacts
from app.domains.billing.time_capture.models import EntryState, Source, TimeEntry
from tests.domains.notifications import people

_NUMBERS = itertools.count(1)
MADE = datetime(2026, 1, 1, tzinfo=UTC)
BERLIN = "Europe/Berlin"
HOURLY: dict[str, Any] = {
    **dict.fromkeys(("project_id", "fee", "included_hours", "cap_hours", "tax_reason", "effective_to")),
    **dict.fromkeys(("overtime_threshold_hours", "overtime_multiplier")),
    "kind": "hourly",
    "currency": "EUR",
    "rate": 120_00,
    "carry_periods": 0,
    "rounding_minutes": 0,
    "rounding_direction": "nearest",
    "tax_category": "S",
    "tax_percent": Decimal(19),
    "effective_from": date(2026, 1, 1),
}


def tenant_facts(**changed: Any) -> TenantFacts:
    """A tenant as somebody describes it."""
    usual: dict[str, Any] = {
        "name": "Ada Ltd",
        "address": "Hauptstr. 1\n10115 Berlin",
        "country": "DE",
        "email": "billing@example.org",
        "tax_number": "DE123456789",
        "iban": "DE89370400440532013000",
        "timezone": BERLIN,
        "layout": Layout.CLASSIC,
        "number_prefix": "R-",
        "is_numbered_by_year": True,
    }
    return TenantFacts(**usual | changed)


def client_facts(**changed: Any) -> ClientFacts:
    """A client as somebody describes it."""
    usual: dict[str, Any] = {
        "name": f"Client {next(_NUMBERS)}",
        "address": "1 High Street\nLondon",
        "country": "GB",
        "email": "accounts@example.com",
        "tax_number": None,
        "timezone": BERLIN,
        "payment_days": 14,
    }
    return ClientFacts(**usual | changed)


@dataclass(kw_only=True)
class Trade:
    """The ids of a tenant, of a client and of a project; its first member is its admin."""

    tenant: int
    admin: int
    client: int = 0
    project: int = 0
    members: list[int] = field(default_factory=list)

    def join(self, role: Role = Role.MEMBER, **user: Any) -> int:
        """One more member; gives the user's id."""
        user_id = people.add_user(**user)
        with transaction() as session:
            tenants.set_role(session, tenant_id=self.tenant, user_id=user_id, role=role)
        self.members.append(user_id)
        return user_id

    def add_client(self, **facts: Any) -> int:
        """One more client; gives its id."""
        with transaction() as session:
            return clients.create(session, tenant_id=self.tenant, facts=client_facts(**facts), now=MADE).id

    def add_project(self, name: str, *, client: int | None = None, is_billable: bool = True) -> int:
        """One more project; gives its id."""
        with transaction() as session:
            return clients.create_project(
                session, client_id=client or self.client, name=name, is_billable=is_billable, now=MADE
            ).id

    def add_rule(self, **columns: Any) -> int:
        """A rule for the whole client; gives its id."""
        with transaction() as session:
            return billing_rules.add(session, client_id=self.client, columns=HOURLY | columns).id

    def add_entry(
        self,
        start: str = "2026-03-02T09:00:00+01:00",
        end: str = "2026-03-02T17:00:00+01:00",
        *,
        worker: int | None = None,
        **columns: Any,
    ) -> int:
        """What somebody worked; gives its id."""
        usual: dict[str, Any] = {
            "project_id": self.project,
            "user_id": worker or self.admin,
            "source": Source.MANUAL,
            "state": EntryState.PENDING,
            "started_at": datetime.fromisoformat(start),
            "ended_at": datetime.fromisoformat(end),
            "timezone": BERLIN,
            "description": "Work",
            "created_at": MADE,
            "changed_at": MADE,
        }
        made = TimeEntry(**usual | columns)
        with transaction() as session:
            session.add(made)
            session.flush()
            return made.id


def set_up(*, admin: int | None = None, name: str = "Ada Ltd", **user: Any) -> Trade:
    """A tenant with one admin, a client and a project, and no rule."""
    admin = admin or people.add_user(**user)
    with transaction() as session:
        made = tenants.create(session, facts=tenant_facts(name=name), admins=[admin], now=MADE)
    trade = Trade(tenant=made.id, admin=admin, members=[admin])
    trade.client = trade.add_client(name=f"{name} client")
    trade.project = trade.add_project(f"{name} project")
    return trade


def stored_rule(rule_id: int) -> BillingRule:
    """The row of a rule."""
    with transaction() as session:
        return billing_rules.rule(session, rule_id=rule_id)

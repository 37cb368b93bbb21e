"""People who sign in, each with a household and all else that one can have, marked with a word of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, tuple_

from app.db.sessions import reading, transaction
from app.domains.accounts import administration
from app.domains.accounts.models import User
from app.domains.accounts.roles import Role
from app.domains.audit.models import Login, Operation
from app.domains.audit.records import new_id
from app.domains.banking.facts import AsideKind
from app.domains.banking.models import (
    BankAccount,
    Household,
    HouseholdMember,
    PlaidItem,
    SetAside,
    Transaction,
)
from app.domains.banking.models import Role as HouseholdRole
from app.domains.banking.sync.requests import request_sync
from app.domains.billing import tenants
from app.domains.billing.integrations.facts import Provider
from app.domains.billing.invoices.models import Invoice, InvoiceKind, InvoiceState
from app.domains.billing.models import Role as TenantRole
from app.domains.billing.models import TenantMember
from app.domains.billing.sales.models import SaleInvoice
from app.domains.marketplace.orders.models import Order, sale_key
from app.domains.notifications.tasks import send_notification
from app.domains.privacy.models import Export, ExportState
from app.jobs.ledger.models import Job, State
from tests.domains.accounts.people import client_of, hashed
from tests.domains.banking import home
from tests.domains.billing import trade
from tests.domains.billing.integrations import stored as connected
from tests.domains.marketplace import market
from tests.domains.notifications import people

if TYPE_CHECKING:
    from starlette.testclient import TestClient

PASSWORD = "wide rivers run slowly"
AT = datetime(2026, 1, 31, 11, tzinfo=UTC)


@dataclass(kw_only=True)
class Belongings:
    """Somebody, and the ids of what is theirs; every text in it that others could read holds `word`."""

    word: str
    user: int
    ids: dict[str, Any] = field(default_factory=dict)

    @property
    def email(self) -> str:
        return f"{self.word}@example.org"

    def client(self) -> TestClient:
        """A client that has signed in as this person."""
        return client_of(self.email)


def person(word: str, role: Role) -> Belongings:
    """Somebody who signs in, and has nothing yet."""
    user_id = people.add_user(name=word)
    with transaction() as session:
        user = session.get_one(User, user_id)
        user.email = user.email_key = f"{word}@example.org"
        user.role = role
        administration.set_password(session, user_id=user_id, password_hash=hashed(PASSWORD))
    return Belongings(word=word, user=user_id)


def memberships() -> set[tuple[int, int]]:
    """Who is a member of which tenant."""
    with reading() as session:
        return {(row.tenant_id, row.user_id) for row in session.scalars(select(TenantMember))}


def end_memberships(but: set[tuple[int, int]]) -> None:
    """Take back what an administrator has made others members of: they are shown it by right."""
    made = tuple_(TenantMember.tenant_id, TenantMember.user_id).not_in(but)
    with transaction() as session:
        session.execute(delete(TenantMember).where(made))


def somebody(word: str, role: Role = Role.VIEWER) -> Belongings:
    """Somebody who signs in and is the admin of a household, with one of everything."""
    found = person(word, role)
    found.ids |= {"user_id": found.user}
    found.ids |= _household(found) | _notifications(found) | _tenant(found) | _integration(found)
    found.ids |= _invoice(found) | _licence(found) | _export(found)
    _logs(found)
    return found


def join(who: Belongings, home_of: Belongings, role: HouseholdRole = HouseholdRole.MEMBER) -> None:
    """Make somebody a member of another's household."""
    household = home_of.ids["household_id"]
    with transaction() as session:
        session.add(HouseholdMember(household_id=household, user_id=who.user, role=role))


def work_for(who: Belongings, tenant_of: Belongings, role: TenantRole = TenantRole.MEMBER) -> None:
    """Make somebody a member of another's tenant."""
    with transaction() as session:
        tenants.set_role(session, tenant_id=tenant_of.ids["tenant_id"], user_id=who.user, role=role)


def leave(who: Belongings, home_of: Belongings) -> None:
    """Take that back."""
    with transaction() as session:
        session.delete(session.get_one(HouseholdMember, (home_of.ids["household_id"], who.user)))


def _household(who: Belongings) -> dict[str, Any]:
    made = home.move_in(name=who.word)
    with transaction() as session:
        session.get_one(Household, made.id).name = f"{who.word} home"
        session.get_one(PlaidItem, made.item).institution = f"{who.word} bank"
        session.get_one(BankAccount, made.account).name = f"{who.word} account"
        session.add(HouseholdMember(household_id=made.id, user_id=who.user, role=HouseholdRole.ADMIN))
    category = made.category(f"{who.word} category")
    budget = made.budget(10_000, category=f"{who.word} category")
    bill = made.bill(date(2030, 1, 31), name=f"{who.word} bill")
    made.spend(700, on=date(2026, 1, 30), category=f"{who.word} category")
    aside = SetAside(
        item_id=made.item,
        kind=AsideKind.TRANSACTION,
        plaid_id=f"{who.word}-aside",
        reason=f"{who.word} reason",
        row=f'{{"name": "{who.word}"}}',
        set_aside_at=AT,
    )
    with transaction() as session:
        for row in session.query(Transaction).where(Transaction.account_id == made.account):
            row.name = f"{who.word} purchase"
        session.add(aside)
        session.flush()
        sync_id = request_sync(session, session.get_one(PlaidItem, made.item))
    return {
        "household_id": made.id,
        "item_id": made.item,
        "account_id": made.account,
        "category_id": category,
        "budget_id": budget,
        "bill_id": bill,
        "row_id": aside.id,
        "sync_id": sync_id,
    }


def _integration(who: Belongings) -> dict[str, Any]:
    values = {"user_id": who.user, "account_name": f"{who.word} calendar", "is_enabled": False}
    made = connected.store(provider=Provider.GOOGLE, access_token=f"{who.word}-token", **values)
    return {"integration_id": made}


def _tenant(who: Belongings) -> dict[str, Any]:
    made = trade.set_up(admin=who.user, name=who.word)
    return {
        "tenant_id": made.tenant,
        "client_id": made.client,
        "project_id": made.project,
        "rule_id": made.add_rule(
            effective_to=date(2026, 12, 31),
            tax_category="E",
            tax_percent=Decimal(0),
            tax_reason=f"{who.word} reason",
        ),
        "entry_id": made.add_entry(description=f"{who.word} work"),
    }


def _invoice(who: Belongings) -> dict[str, Any]:
    party: dict[str, str | None] = {
        "name": who.word,
        "address": "1 High Street\nLondon",
        "country": "GB",
        "email": who.email,
    }
    party |= {"tax_number": None, "iban": None, "layout": "classic"}
    invoice = Invoice(
        tenant_id=who.ids["tenant_id"],
        client_id=who.ids["client_id"],
        kind=InvoiceKind.INVOICE,
        state=InvoiceState.DRAFT,
        period="2025-12",
        number=f"{who.word}-1",
        year=0,
        sequence=1,
        currency="EUR",
        **dict.fromkeys(("net", "tax", "gross", "paid", "refused_mails", "overdue_told"), 0),
        issued_on=AT.date(),
        due_on=AT.date(),
        seller=party,
        buyer=party,
        created_at=AT,
    )
    with transaction() as session:
        session.add(invoice)
        session.flush()
        return {"invoice_id": invoice.id}


def _licence(who: Belongings) -> dict[str, Any]:
    order = market.place(who.user, market.tier_of(market.add_model()), key=f"{who.word} key")
    market.pay(order, key=f"{who.word} payment")
    with transaction() as session:
        sold = [
            _sold(who, order, kind=kind, sequence=sequence) for sequence, kind in enumerate(InvoiceKind, 2)
        ]
        session.add_all(sold)
        session.flush()
        sale = {"sale_invoice_id": sold[0].id}
    return {"order_id": order.id, "licence_id": market.licences()[-1].id, **sale}


def _sold(who: Belongings, order: Order, *, kind: InvoiceKind, sequence: int) -> SaleInvoice:
    party = {"name": who.word, "email": who.email}
    return SaleInvoice(
        tenant_id=who.ids["tenant_id"],
        user_id=who.user,
        key=sale_key(order.id),
        kind=kind,
        number=f"{who.word}-{sequence}",
        year=0,
        sequence=sequence,
        reference=order.number,
        currency="EUR",
        **dict.fromkeys(("net", "tax", "gross"), 0),
        issued_on=AT.date(),
        supplied_on=AT.date(),
        seller=party,
        buyer=party,
        lines=[],
        created_at=AT,
        sha256="",
        content=who.word.encode(),
    )


def _notifications(who: Belongings) -> dict[str, Any]:
    told = people.tell(who.user, key=who.word, title=f"{who.word} title", body=f"{who.word} body")
    device = people.add_device(who.user, address=f"{who.word}-device")
    with transaction() as session:
        job_id = send_notification.delay(
            user_id=who.user, type="greeting", title=f"{who.word} title", message=f"{who.word} message"
        ).id
        session.flush()
        job = session.get_one(Job, job_id)
        job.state, job.finished_at = State.DEAD, AT
        job.error = f"UserNotFound: {who.word} is nobody"
        job.progress = {"of": f"{who.word} progress"}
    return {"notification_id": told, "endpoint_id": device, "job_id": job_id, "task_id": job_id}


def _export(who: Belongings) -> dict[str, Any]:
    made = Export(
        user_id=who.user, format="csv", state=ExportState.PURGED, requested_by=who.word, requested_at=AT
    )
    with transaction() as session:
        session.add(made)
        session.flush()
        return {"export_id": made.id}


def _logs(who: Belongings) -> None:
    seen = {"at": AT, "user_id": who.user, "user_name": f"user:{who.user}", "address": "203.0.113.9"}
    seen |= {"user_agent": f"{who.word} agent"}
    asked = Operation(
        id=new_id(at=1), method="POST", path=f"/{who.word}", status=200, milliseconds=1, left_out=0, **seen
    )
    asked.arguments = {"body": {"name": who.word}}
    with transaction() as session:
        session.add(asked)
        session.add(Login(id=new_id(at=2), status="success", message=who.word, **seen))

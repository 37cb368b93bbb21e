"""Invoices of orders, made by real workers: numbered without gaps, once, and never changed."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from pypdf import PdfReader
from sqlalchemy import select, text

from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.domains.billing import tenants
from app.domains.billing.invoices.errors import NumberTaken
from app.domains.billing.invoices.generating.numbering import take_numbers
from app.domains.billing.sales.models import SaleInvoice
from app.domains.marketplace.orders import invoicing, settling
from app.domains.marketplace.orders.errors import NobodySells, WrongState
from app.domains.marketplace.tasks import generate_invoice_pdf
from app.jobs.declaration.registry import tasks as declared
from app.jobs.ledger.models import Job, State
from app.topology import Queue
from tests.domains.billing.trade import set_up, tenant_facts
from tests.domains.marketplace import market
from tests.domains.marketplace.market import EXEMPT, NOW, add_model, add_tier, pay, place, tier_of
from tests.domains.notifications.people import add_user
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.domains.marketplace.orders.models import Order
    from tests.fleet import Fleet

pytestmark = pytest.mark.databases("postgresql")
SECONDS = 60


@pytest.fixture
def seller(database: object, configure: Callable[..., None]) -> int:
    """The tenant that sells, on a day in January."""
    tenant = set_up(name="Models Ltd").tenant
    configure(marketplace_tenant_id=tenant, pretend_now=NOW.isoformat())
    return tenant


def invoices() -> Sequence[SaleInvoice]:
    with reading() as session:
        return session.scalars(select(SaleInvoice).order_by(SaleInvoice.id)).all()


def printed(kind: str) -> str:
    with reading() as session:
        content = session.scalars(select(SaleInvoice.content).where(SaleInvoice.kind == kind)).one()
    pages = "\n".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)
    return pages.replace("\N{NO-BREAK SPACE}", " ")


def generate(order_id: int) -> Any:
    return generate_invoice_pdf.delay(order_id=order_id).get(timeout=SECONDS)


def refund(order: Order) -> None:
    with transaction() as session:
        settling.refund(session, order_id=order.id, now=NOW + timedelta(days=1))


def test_the_task_has_its_queue() -> None:
    task = declared()["marketplace.generate_invoice_pdf"]
    assert (task.queue, task.public) == (Queue.REPORTS, True)


def test_who_paid_gets_one_invoice_and_whose_money_went_back_one_credit_note(
    seller: int, fleet: Fleet
) -> None:
    fleet.start_worker(queues="reports")
    model = add_model(title="Sentinel <b>")
    order = place(add_user(), tier_of(model), add_tier(model, amount=7_50, tax=EXEMPT), quantity=2)
    pay(order)
    wait_until(invoices, seconds=SECONDS, what="the invoice is made")
    [first] = generate(order.id)
    assert generate(order.id) == [first]
    assert (first["kind"], first["number"]) == ("invoice", "R-2026-0001")
    shown = printed("invoice")
    for part in (
        "Invoice R-2026-0001",
        "Models Ltd",
        "Ada",
        order.number,
        "Sentinel <b>, ",
        "2 x 100.00 EUR",
        "Small business",
        "253.00",
        "38.00",
        "Amount due 0.00 EUR",
        "Supplied 31 Jan 2026",
    ):
        assert part in shown
    refund(order)
    wait_until(lambda: len(invoices()) == 2, seconds=SECONDS, what="the credit note is made")
    same, note = generate(order.id)
    assert (same, note["kind"], note["number"]) == (first, "credit_note", "R-2026-0002")
    assert [one.gross for one in invoices()] == [253_00, -253_00]
    assert "Credits Invoice R-2026-0001" in printed("credit_note")


def test_a_worker_that_dies_with_a_number_gives_it_back(seller: int, fleet: Fleet) -> None:
    with transaction() as session:
        take_numbers(session, tenants.tenant(session, tenant_id=seller), day=NOW.date(), count=1)
    fleet.start_beat()
    first = fleet.start_worker("first", queues="reports")
    with engine().connect() as other:
        # It has a number and a PDF, and waits for this table.
        other.execute(text("LOCK TABLE sale_invoice IN SHARE MODE"))
        orders = [pay(place(add_user(), tier_of(add_model())), key=f"bank-{number}") for number in range(4)]
        waits = text("SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'sale_invoice'::regclass")
        wait_until(lambda: _row(waits), seconds=SECONDS, what="an invoice is about to be stored")
        first.kill()
    fleet.start_worker("second", queues="reports", processes=3)
    wait_until(lambda: len(invoices()) == len(orders), seconds=SECONDS, what="all invoices are made")
    assert sorted(one.number for one in invoices()) == [f"R-2026-{number:04}" for number in range(2, 6)]
    assert {one.key for one in invoices()} == {f"order:{order.id}" for order in orders}


def _row(statement: Any) -> Any:
    with reading() as session:
        return session.scalar(statement)


def test_what_has_no_invoice_says_why(seller: int, configure: Callable[..., None]) -> None:
    order = place(add_user(), tier_of(add_model()))
    with transaction() as session, pytest.raises(WrongState, match="only one that was paid has an invoice"):
        invoicing.generate(session, order_id=order.id, now=NOW)
    pay(order)
    configure(marketplace_tenant_id=4_711)
    with transaction() as session, pytest.raises(Exception, match="no tenant with the id 4711"):
        invoicing.generate(session, order_id=order.id, now=NOW)
    configure(marketplace_tenant_id="")
    with transaction() as session, pytest.raises(NobodySells, match="GROUNDWORK_MARKETPLACE_TENANT_ID"):
        invoicing.generate(session, order_id=order.id, now=NOW)
    refund(order)
    with transaction() as session:
        assert invoicing.generate(session, order_id=order.id, now=NOW) == []
    assert invoices() == []


def test_only_what_is_paid_to_somebody_who_sells_is_invoiced_by_itself(
    seller: int, configure: Callable[..., None]
) -> None:
    place(add_user(), add_tier(add_model(), amount=0, tax=EXEMPT))
    configure(marketplace_tenant_id="")
    pay(place(add_user(), tier_of(add_model())))
    with reading() as session:
        assert settling.INVOICE_TASK not in set(session.scalars(select(Job.task)))
        assert set(session.scalars(select(Job.state))) == {State.READY}


def test_a_number_that_a_sale_has_is_given_to_nothing_else(seller: int) -> None:
    with transaction() as session:
        facts = tenant_facts(number_prefix="R-2026-", is_numbered_by_year=False)
        tenants.replace(session, tenant_id=seller, facts=facts)
        tenant = tenants.tenant(session, tenant_id=seller)
        take_numbers(session, tenant, day=NOW.date(), count=1)
    order = pay(place(add_user(), tier_of(add_model())))
    with transaction() as session:
        [made] = invoicing.generate(session, order_id=order.id, now=NOW)
        assert made["number"] == "R-2026-0002"
        tenants.replace(session, tenant_id=seller, facts=tenant_facts())
    with transaction() as session, pytest.raises(NumberTaken, match="R-2026-0002"):
        take_numbers(session, tenants.tenant(session, tenant_id=seller), day=NOW.date(), count=2)
    assert market.order(order.id).state == "paid"

"""What clients and admins are told of invoices, and when."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from app.db.sessions import reading, transaction
from app.domains.billing.invoices import cleaning
from app.domains.billing.invoices.models import Invoice, InvoiceDocument, InvoiceState
from app.domains.billing.invoices.sending import overdue, reminding
from app.domains.billing.time_capture.models import EntryIssue
from app.jobs.ledger.models import Job, State
from app.jobs.transitions import rollup
from app.outbound.deliveries.models import Delivery, DeliveryState
from tests.checkpoints import flushing
from tests.domains.billing.invoices.office import FIXED, add, found_office, invoices, run
from tests.domains.notifications import people

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from tests.domains.billing.invoices.office import Office

pytestmark = pytest.mark.databases("sqlite")

DUE = date(2026, 11, 20)


def at(day: date, hour: int = 11) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


@pytest.fixture
def office(database: Engine) -> Office:
    """A tenant with an invoice over 595.00 EUR that was sent and is due on the 20th of November."""
    office = found_office()
    office.client("Łódź & Söhne").rule(**FIXED)
    run()
    change(state=InvoiceState.SENT, due_on=DUE)
    return office


def change(**facts: Any) -> None:
    with transaction() as session:
        session.execute(update(Invoice).values(**facts))


def remind(now: datetime, *, lead: int = 7, chunk: int = 200) -> int:
    with transaction() as session:
        done = reminding.send_reminders(session, lead=lead, now=now, commit=flushing(session), chunk=chunk)
    return done.reminded


def check(now: datetime, *, chunk: int = 200) -> int:
    with transaction() as session:
        return overdue.check(session, now=now, commit=flushing(session), chunk=chunk).told


def mails() -> list[str]:
    with reading() as session:
        return [one.subject for one in session.scalars(select(Delivery).order_by(Delivery.id))]


# Reminders


@pytest.mark.parametrize(
    ("days", "lead", "reminded"),
    [(8, 7, 0), (7, 7, 1), (3, 7, 1), (0, 7, 1), (-1, 7, 0), (0, 0, 1), (1, 0, 0), (365, 365, 1)],
)
def test_a_reminder_comes_within_the_days_before_it_is_due(
    office: Office, days: int, lead: int, reminded: int
) -> None:
    assert remind(at(DUE - timedelta(days=days)), lead=lead) == reminded


def test_a_client_is_reminded_once_and_again_at_fewer_days_alone(office: Office) -> None:
    assert [remind(at(DUE - timedelta(days=days))) for days in (7, 7, 6)] == [1, 0, 0]
    assert [remind(at(DUE - timedelta(days=1)), lead=lead) for lead in (1, 14, 1)] == [1, 0, 0]
    assert mails() == ["Invoice R2026-0001 is due in 7 days", "Invoice R2026-0001 is due tomorrow"]


def test_a_reminder_says_what_is_left_to_pay_and_where_to(office: Office) -> None:
    change(state=InvoiceState.PARTIAL, paid=95_00)
    remind(at(DUE))
    with reading() as session:
        (mail,) = session.scalars(select(Delivery))
    assert mail.subject == "Invoice R2026-0001 is due today"
    assert "Dear Łódź & Söhne" in mail.content["text"]
    assert (
        "500.00 EUR of invoice R2026-0001 for October 2026 is due on 20 November 2026."
        in mail.content["text"]
    )
    assert "Łódź &amp; Söhne" in mail.content["html"]


@pytest.mark.parametrize("state", ["draft", "paid", "overdue", "credited", "canceled"])
def test_nobody_is_reminded_of_what_is_not_due(office: Office, state: str) -> None:
    change(state=state)
    assert remind(at(DUE)) == 0


def test_the_day_is_the_tenants(database: Engine) -> None:
    found_office(timezone="Pacific/Kiritimati").client().rule(**FIXED)
    run()
    change(state=InvoiceState.SENT, due_on=DUE)
    eve = DUE - timedelta(days=1)
    assert [remind(at(eve, hour), lead=0) for hour in (9, 10)] == [0, 1]
    assert [check(at(DUE, hour)) for hour in (9, 10)] == [0, 1]


# Overdue


def test_each_step_is_told_once(office: Office) -> None:
    days = range(40)
    told = [day for day in days if check(at(DUE + timedelta(days=day)))]
    assert told == [1, 7, 14, 30]
    assert mails()[-1] == "Last reminder: invoice R2026-0001 is overdue"
    assert [one.title for one in people.notifications()] == [
        "Invoice R2026-0001 is overdue for a day",
        "Invoice R2026-0001 is overdue for 7 days",
        "Invoice R2026-0001 is overdue for 14 days",
        "Invoice R2026-0001 is overdue for 30 days",
    ]
    assert {one.user_id for one in people.notifications()} == {office.admin}
    assert check(at(DUE + timedelta(days=400))) == 0


def test_of_days_without_a_run_the_last_step_is_told(office: Office) -> None:
    assert [check(at(DUE + timedelta(days=day))) for day in (0, 20, 21, 29, 31)] == [0, 1, 0, 0, 1]
    assert len(people.notifications()) == 2


def test_what_is_overdue_is_marked(office: Office) -> None:
    check(at(DUE))
    assert invoices()[0].state == "sent"
    check(at(DUE + timedelta(days=1)))
    assert invoices()[0].state == "overdue"


@pytest.mark.parametrize("state", ["draft", "paid", "credited", "canceled"])
def test_nothing_is_told_after_it_was_paid_or_taken_back(office: Office, state: str) -> None:
    check(at(DUE + timedelta(days=1)))
    change(state=state)
    assert check(at(DUE + timedelta(days=7))) == 0
    assert invoices()[0].state == state


def test_many_are_told_in_chunks(database: Engine) -> None:
    office = found_office()
    for _ in range(5):
        office.client().rule(**FIXED)
    run()
    change(state=InvoiceState.SENT, due_on=DUE)
    assert remind(at(DUE), chunk=2) == 5
    assert check(at(DUE + timedelta(days=1)), chunk=2) == 5


# Forgetting


def forget(days: int = 30) -> dict[str, int]:
    with transaction() as session:
        return cleaning.forget(session, days=days, commit=flushing(session))


def test_what_is_old_is_forgotten_and_counted(office: Office, configure: Callable[..., None]) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=31)
    remind(at(DUE))
    entry_id = office.clients[0].worked()
    issue = {"kind": "gap", "sentence": "x", "opened_at": long_ago}
    for key, closed_at in (("a", long_ago), ("b", None), ("c", datetime.now(UTC))):
        add(EntryIssue(entry_id=entry_id, key=key, closed_at=closed_at, **issue))
    with transaction() as session:
        session.execute(update(Job).values(state=State.DONE, finished_at=long_ago))
        session.execute(update(Delivery).values(state=DeliveryState.SENT, changed_at=long_ago))
        rollup.roll_up(session)
    nothing = dict.fromkeys(("jobs", "schedule_runs", "deliveries", "issues", "draft_pdfs"), 0)
    assert forget(60) == nothing
    configure(retention_days=90)
    assert forget(30) == nothing | {"issues": 1}
    configure(retention_days=30)
    assert forget(1) == nothing | {"jobs": 1, "deliveries": 1}
    assert forget(1) == nothing


@pytest.mark.parametrize(
    ("facts", "is_gone"),
    [
        ({"state": "draft"}, True),
        ({"state": "canceled"}, True),
        ({"state": "draft", "mailing_since": at(DUE)}, False),
        ({"state": "sent"}, False),
        ({"state": "credited"}, False),
    ],
    ids=str,
)
def test_pdfs_of_what_went_out_are_kept(office: Office, facts: dict[str, Any], is_gone: bool) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=31)
    document = {"layout": "classic", "sha256": "0", "content": b"%PDF", "rendered_at": long_ago}
    with transaction() as session:
        session.add(InvoiceDocument(invoice_id=invoices()[0].id, **document))
    change(**facts)
    assert forget()["draft_pdfs"] == is_gone

from __future__ import annotations

import itertools
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from app.db.sessions import transaction
from app.domains.accounts.models import User
from app.domains.billing.invoices.models import Invoice, Payment
from app.domains.billing.models import Role
from app.domains.billing.summaries.weekly import send_weekly_invoice_summaries
from tests.checkpoints import flushing
from tests.domains.billing.time_capture import workplace
from tests.domains.notifications import people

if TYPE_CHECKING:
    from sqlalchemy import Engine

_NUMBERS = itertools.count(1)
#: Nine in Berlin, on Monday, 2 February 2026.
MONDAY = "2026-02-02 08:00"


def tell(now: str) -> int:
    with transaction() as session:
        done = send_weekly_invoice_summaries(session, now=workplace.at(now), commit=flushing(session))
        return done.sent


def office(*, name: str = "Acme", timezone: str = "Europe/Berlin") -> tuple[workplace.Workplace, int]:
    """A tenant with one member, and one admin, who is told."""
    place = workplace.found_tenant(name=name)
    return place, place.join(role=Role.ADMIN, timezone=timezone)


def invoice(place: workplace.Workplace, *, sent: str | None = "2026-01-28 12:00", **facts: Any) -> int:
    """An invoice of a month of its own; gives its id."""
    number = next(_NUMBERS)
    usual = {
        "tenant_id": place.id,
        "client_id": place.client,
        "kind": "invoice",
        "state": "sent",
        "period": f"{1970 + number}-01",
        "number": f"A{number}",
        "year": 0,
        "sequence": number,
        "currency": "EUR",
        "net": 0,
        "tax": 0,
        "gross": 119_00,
        "paid": 0,
        "issued_on": date(2026, 1, 28),
        "due_on": date(2026, 2, 28),
        "seller": {},
        "buyer": {},
        "created_at": workplace.at("2026-01-20 12:00"),
        "sent_at": workplace.at(sent) if sent else None,
        "refused_mails": 0,
        "overdue_told": 0,
    }
    return int(workplace.add(Invoice(**usual | facts)).id)


def pay(invoice_id: int, amount: int, *, entered: str = "2026-01-28 12:00") -> None:
    """Record a payment that the bank dated long before."""
    workplace.add(
        Payment(
            invoice_id=invoice_id,
            key=f"bank-{next(_NUMBERS)}",
            amount=amount,
            received_on=date(2025, 12, 24),
            created_at=workplace.at(entered),
        )
    )


def test_a_week_is_told_by_tenant_and_currency(database: Engine) -> None:
    place, admin = office()
    paid = invoice(place, state="paid", paid=119_00)
    invoice(place)
    invoice(place, currency="JPY", gross=5_000)
    pay(paid, 100_00)
    pay(paid, 19_00)
    invoice(place, state="draft", sent=None)
    invoice(place, state="canceled", sent=None)
    invoice(place, kind="credit_note", gross=-30_00, sent=None, created_at=workplace.at("2026-01-29 12:00"))
    late: dict[str, Any] = {"due_on": date(2026, 2, 1), "sent": "2026-01-01 12:00"}
    invoice(place, state="overdue", **late)
    invoice(place, state="partial", paid=19_00, **late)
    invoice(place, state="credited", **late)
    invoice(place, due_on=date(2026, 2, 2), sent="2026-01-01 12:00")
    assert tell("2026-02-02 07:59") == 0
    assert tell(MONDAY) == 1
    [told] = people.notifications()
    assert (told.user_id, told.type) == (admin, "weekly_invoice_summary")
    assert told.title == "Invoices of the week from Monday, 26 January 2026"
    assert told.body.splitlines() == [
        "Acme",
        "- Issued: 2, 238.00 EUR",
        "- Issued: 1, 5,000 JPY",
        "- Credited: 1, 30.00 EUR",
        "- Paid: 2, 119.00 EUR",
        "- Overdue now: 2, 219.00 EUR",
    ]
    assert told.key == f"weekly-invoice-summary:{admin}:2026-01-26"


def test_a_week_is_told_once_and_on_monday_alone(database: Engine) -> None:
    place, _ = office()
    invoice(place)
    assert [tell(f"2026-02-02 {hour:02}:15") for hour in (7, 8, 9, 22)] == [0, 1, 0, 0]
    assert [tell(f"2026-02-0{day} 12:00") for day in range(3, 9)] == [0] * 6


def test_an_invoice_is_told_in_one_week_whenever_it_is_sent(database: Engine) -> None:
    place, _ = office()
    # The last moment of one week in Berlin, and the first of the next.
    invoice(place, sent="2026-01-25 22:59")
    invoice(place, sent="2026-01-25 23:00", gross=1)
    invoice(place, sent="2026-02-01 22:59", gross=2)
    invoice(place, sent="2026-02-01 23:00", gross=3)
    for monday in ("2026-01-26", "2026-02-02", "2026-02-09"):
        tell(f"{monday} 12:00")
    said = [one.body.splitlines()[1] for one in people.notifications()]
    assert said == ["- Issued: 1, 119.00 EUR", "- Issued: 2, 0.03 EUR", "- Issued: 1, 0.03 EUR"]


def test_members_and_admins_without_invoices_are_left_alone(database: Engine) -> None:
    office()
    place, admin = office()
    invoice(place)
    assert tell(MONDAY) == 1
    assert people.notifications()[0].user_id == admin


def test_whoever_runs_many_tenants_is_told_of_all_at_once(database: Engine) -> None:
    place, admin = office(name="Zeta")
    other, idle = workplace.found_tenant(name="Ωμέγα"), workplace.found_tenant(name="Idle")
    for one in (other, idle):
        one.join(user_id=admin, role=Role.ADMIN)
    for one in (place, other):
        invoice(one)
    assert tell(MONDAY) == 1
    assert people.notifications()[0].body.splitlines()[::2] == ["Zeta", "Ωμέγα"]


@pytest.mark.parametrize(
    ("timezone", "nine"),
    [
        ("Pacific/Kiritimati", "2026-02-01 19:00"),
        ("America/St_Johns", "2026-02-02 12:30"),
        ("Pacific/Niue", "2026-02-02 20:00"),
        ("Mars/Olympus", "2026-02-02 09:00"),
    ],
)
def test_monday_at_nine_is_by_the_admins_own_clock(database: Engine, timezone: str, nine: str) -> None:
    place, admin = office()
    with transaction() as session:
        session.execute(update(User).where(User.id == admin).values(timezone=timezone))
    invoice(place)
    assert tell(nine) == 1


def test_amounts_of_billions_are_added_up_to_the_cent(database: Engine) -> None:
    place, _ = office()
    for gross in (10**17 + 1, 10**17 + 1):
        invoice(place, gross=gross)
    tell(MONDAY)
    assert people.notifications()[0].body.endswith("2, 2,000,000,000,000,000.02 EUR")

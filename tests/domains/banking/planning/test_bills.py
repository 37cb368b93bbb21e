from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from app.db.sessions import reading, transaction
from app.domains.banking.errors import HouseholdNotFound
from app.domains.banking.models import BillRule
from app.domains.banking.planning import bills
from app.domains.banking.planning.errors import BillNotFound, DueDayDiffers, NotDueThen
from tests.domains.banking import home

if TYPE_CHECKING:
    from sqlalchemy import Engine

JANUARY = date(2026, 1, 31)


def pay(household_id: int, bill_id: int, due: date) -> date | None:
    with transaction() as session:
        return bills.mark_paid(session, household_id=household_id, bill_id=bill_id, due=due).next_due


def test_a_paid_bill_is_due_a_month_later_on_its_day(database: Engine) -> None:
    flat = home.move_in()
    rent = flat.bill(JANUARY)
    assert pay(flat.id, rent, JANUARY) == date(2026, 2, 28)
    assert pay(flat.id, rent, date(2026, 2, 28)) == date(2026, 3, 31)


def test_paying_for_the_same_day_twice_counts_once(database: Engine) -> None:
    flat = home.move_in()
    rent = flat.bill(JANUARY)
    together = Barrier(4)

    def pay_at_once(_: int) -> date | None:
        together.wait()
        return pay(flat.id, rent, JANUARY)

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(pay_at_once, range(4))) == {date(2026, 2, 28)}


def test_a_bill_that_comes_once_is_over_when_it_is_paid(database: Engine) -> None:
    flat = home.move_in()
    repair = flat.bill(JANUARY, rule=BillRule.ONCE)
    assert pay(flat.id, repair, JANUARY) is None
    assert pay(flat.id, repair, JANUARY) is None


def test_a_bill_cannot_be_paid_for_a_day_on_which_it_is_not_due(database: Engine) -> None:
    flat = home.move_in()
    rent = flat.bill(JANUARY)
    with pytest.raises(NotDueThen, match='"Rent" is due on 2026-01-31 next, not on 2026-02-28'):
        pay(flat.id, rent, date(2026, 2, 28))


def test_a_bill_may_begin_in_a_month_without_its_day(database: Engine) -> None:
    flat = home.move_in()
    rent = flat.bill(date(2026, 2, 28), due_day=31)
    assert pay(flat.id, rent, date(2026, 2, 28)) == date(2026, 3, 31)


@pytest.mark.parametrize(
    ("due", "later", "due_day"),
    [
        (date(2026, 2, 28), date(2026, 2, 28), 31),
        (date(2026, 1, 31), date(2026, 4, 30), 31),
        (date(2026, 2, 28), date(2026, 2, 15), 15),
        (date(2026, 2, 28), date(2026, 3, 28), 28),
    ],
)
def test_a_bill_that_is_described_anew_keeps_its_day_as_long_as_that_fits(
    database: Engine, due: date, later: date, due_day: int
) -> None:
    flat = home.move_in()
    rent = flat.bill(due, due_day=31)
    facts = bills.BillFacts(
        name="Rent", amount=1, currency="EUR", rule=BillRule.MONTHLY, next_due=later, autopay=False
    )
    with transaction() as session:
        changed = bills.change(session, household_id=flat.id, bill_id=rent, facts=facts)
        assert changed.due_day == due_day


def test_a_due_day_that_the_date_does_not_keep_to_is_refused(database: Engine) -> None:
    flat = home.move_in()
    with pytest.raises(DueDayDiffers, match="keeps to day 31 of the month is not due on 2026-01-30"):
        flat.bill(date(2026, 1, 30), due_day=31)


def test_a_bill_is_described_anew(database: Engine) -> None:
    flat = home.move_in()
    rent = flat.bill(JANUARY)
    facts = bills.BillFacts(
        name="Rent",
        amount=85_000,
        currency="EUR",
        rule=BillRule.MONTHLY,
        next_due=date(2026, 2, 15),
        autopay=True,
    )
    with transaction() as session:
        bills.change(session, household_id=flat.id, bill_id=rent, facts=facts)
    with reading() as session:
        changed = bills.bill(session, household_id=flat.id, bill_id=rent)
    assert (changed.amount, changed.due_day, changed.autopay) == (85_000, 15, True)


def test_a_bill_belongs_to_its_household_alone(database: Engine) -> None:
    rent = home.move_in().bill(JANUARY)
    other = home.move_in()
    with pytest.raises(BillNotFound, match=f"Household {other.id} has no bill with the id {rent}"):
        pay(other.id, rent, JANUARY)


def test_an_unknown_household_is_named(database: Engine) -> None:
    with reading() as session, pytest.raises(HouseholdNotFound, match="no household with the id 4711"):
        bills.bills_of(session, household_id=4711, after=None, limit=1)

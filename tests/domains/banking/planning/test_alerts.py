from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, select, update

from app.db.sessions import reading, transaction
from app.domains.banking.models import Budget, Category, HouseholdMember, Period, Role, Transaction
from app.domains.banking.planning.alerts import Alerted
from tests.domains.banking import home
from tests.domains.notifications import people

if TYPE_CHECKING:
    from sqlalchemy import Engine

DAY = date(2026, 2, 11)
NOON = "2026-02-11T12:00:00+00:00"


@pytest.mark.parametrize(
    ("spent", "title"),
    [
        (7_999, None),
        (8_000, "80 % of the budget for Food is spent"),
        (9_999, "80 % of the budget for Food is spent"),
        (10_000, "The budget for Food is spent"),
        (10_001, "The budget for Food is overspent"),
    ],
)
def test_an_alert_is_sent_when_a_threshold_is_reached(
    database: Engine, spent: int, title: str | None
) -> None:
    flat = home.move_in()
    flat.budget(10_000)
    flat.spend(spent, on=DAY)
    home.check(NOON)
    assert home.titles() == ([title] if title else [])


def test_an_alert_says_how_much_of_what_was_spent_since_when(database: Engine) -> None:
    flat = home.move_in()
    food = flat.budget(10_000)
    flat.spend(8_150, on=DAY)
    flat.spend(2_000, on=DAY, currency="USD")
    flat.spend(500, on=DAY, currency="JPY")
    home.check(NOON)
    [told] = people.notifications()
    assert told.key == f"budget:{food}:2026-02-01:80:{flat.members[0]}"
    assert told.body == (
        "Since 1 February 2026, 81.50 EUR of 100.00 EUR was spent on Food (81 %). "
        "Not counted, as it is in another currency: 500 JPY, 20.00 USD."
    )


def test_each_threshold_is_told_once_in_a_period(database: Engine) -> None:
    flat = home.move_in()
    flat.budget(10_000)
    flat.spend(8_000, on=DAY)
    assert [home.check(NOON).sent for _ in range(3)] == [1, 0, 0]
    flat.spend(1_000, on=DAY)
    assert home.check(NOON).sent == 0
    flat.spend(1_500, on=DAY)
    assert [home.check(NOON).sent for _ in range(2)] == [1, 0]
    assert home.titles() == ["80 % of the budget for Food is spent", "The budget for Food is overspent"]


def test_of_thresholds_reached_together_only_the_highest_is_told(database: Engine) -> None:
    flat = home.move_in()
    flat.budget(10_000)
    flat.spend(12_000, on=DAY)
    home.check(NOON)
    flat.spend(-3_500, on=DAY)
    home.check(NOON)
    assert home.titles() == ["The budget for Food is overspent"]


def test_a_threshold_reached_again_after_a_refund_is_not_told_again(database: Engine) -> None:
    flat = home.move_in()
    flat.budget(10_000)
    for amount in (8_500, -8_500, 8_500):
        flat.spend(amount, on=DAY)
        home.check(NOON)
    assert len(home.titles()) == 1


def test_the_next_period_begins_anew(database: Engine) -> None:
    flat = home.move_in()
    flat.budget(10_000)
    flat.spend(9_000, on=DAY)
    home.check(NOON)
    home.check("2026-03-11T12:00:00+00:00")
    flat.spend(9_000, on=date(2026, 3, 11))
    home.check("2026-03-11T12:00:00+00:00")
    assert len(home.titles()) == 2


@pytest.mark.parametrize(
    ("timezone", "now", "told"),
    [
        ("UTC", "2026-02-28T23:59:00+00:00", 1),
        ("UTC", "2026-03-01T00:00:00+00:00", 0),
        ("Europe/Berlin", "2026-02-28T22:59:00+00:00", 1),
        ("Europe/Berlin", "2026-02-28T23:00:00+00:00", 0),
        ("America/St_Johns", "2026-03-01T03:29:00+00:00", 1),
        ("America/St_Johns", "2026-03-01T03:30:00+00:00", 0),
    ],
)
def test_a_period_ends_at_midnight_by_the_first_admins_clock(
    database: Engine, timezone: str, now: str, told: int
) -> None:
    flat = home.move_in(timezone=timezone)
    flat.budget(10_000)
    flat.spend(9_000, on=DAY)
    home.check(now)
    assert len(home.titles()) == told


def test_an_admin_comes_before_members_who_came_earlier(database: Engine) -> None:
    flat = home.move_in(timezone="UTC")
    with transaction() as session:
        session.execute(update(HouseholdMember).values(role="member"))
    flat.join(role=Role.ADMIN, timezone="America/St_Johns")
    flat.budget(10_000)
    flat.spend(9_000, on=DAY)
    assert home.check("2026-03-01T03:00:00+00:00").sent == 2  # still February there


@pytest.mark.parametrize(
    ("period", "spent_on", "counted"),
    [
        (Period.WEEK, date(2026, 2, 9), True),
        (Period.WEEK, date(2026, 2, 8), False),
        (Period.YEAR, date(2026, 1, 1), True),
        (Period.YEAR, date(2025, 12, 31), False),
    ],
)
def test_weeks_begin_on_monday_and_years_in_january(
    database: Engine, period: Period, spent_on: date, counted: bool
) -> None:
    flat = home.move_in()
    flat.budget(10_000, period=period)
    flat.spend(9_000, on=spent_on)
    assert home.check(NOON).sent == counted


def test_every_member_is_told_once(database: Engine) -> None:
    flat = home.move_in()
    flat.join(name="Ben")
    flat.budget(10_000)
    flat.spend(9_000, on=DAY)
    assert home.check(NOON).sent == 2
    assert {user for user, _ in home.told()} == set(flat.members)


def test_a_budget_that_rests_is_not_checked(database: Engine) -> None:
    flat = home.move_in()
    flat.budget(10_000, is_active=False)
    flat.spend(20_000, on=DAY)
    assert home.check(NOON) == Alerted(checked=0, sent=0)


def test_one_household_can_be_checked_alone(database: Engine) -> None:
    flats = [home.move_in(), home.move_in()]
    for flat in flats:
        flat.budget(10_000)
        flat.spend(9_000, on=DAY)
    assert home.check(NOON, household_id=flats[1].id) == Alerted(checked=1, sent=1)
    assert {user for user, _ in home.told()} == {flats[1].members[0]}


def test_a_household_that_nobody_is_in_is_passed_over(database: Engine) -> None:
    flat, full = home.move_in(), home.move_in()
    for one in (flat, full):
        one.budget(10_000)
        one.spend(9_000, on=DAY)
    with transaction() as session:
        session.execute(delete(HouseholdMember).where(HouseholdMember.household_id == flat.id))
    assert home.check(NOON) == Alerted(checked=2, sent=1)


def test_budgets_are_checked_in_chunks(database: Engine) -> None:
    flat = home.move_in()
    names = [f"Category {number}" for number in range(25)]
    home.add_rows(Category, [{"household_id": flat.id, "name": name} for name in names])
    with reading() as session:
        ids = list(session.scalars(select(Category.id)))
    usual = {"household_id": flat.id, "period": "month", "amount": 100, "currency": "EUR"}
    rest = {"thresholds": [80, 100], "include_pending": True, "is_active": True}
    home.add_rows(Budget, [{"category_id": id_, **usual, **rest} for id_ in ids])
    home.add_rows(
        Transaction,
        [
            {
                "account_id": flat.account,
                "plaid_transaction_id": f"many-{id_}",
                "amount": -90,
                "currency": "EUR",
                "posted_on": DAY,
                "name": "Shop",
                "pending": False,
                "category_id": id_,
            }
            for id_ in ids
        ],
    )
    assert home.check(NOON, chunk=4) == Alerted(checked=25, sent=25)
    assert home.check(NOON, chunk=4).sent == 0

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.db.sessions import reading, transaction
from app.domains.banking.models import Category, Period
from app.domains.banking.planning import budgets
from app.domains.banking.planning.errors import BudgetExists, BudgetNotFound, CategoryNotOfHousehold
from app.domains.banking.planning.periods import span_of
from app.domains.banking.planning.spending import spent_on
from tests.domains.banking import home

if TYPE_CHECKING:
    from sqlalchemy import Engine

FEBRUARY = span_of(date(2026, 2, 11), Period.MONTH)
DAY = date(2026, 2, 11)


def spent(budget_id: int) -> dict[str, Decimal]:
    with reading() as session:
        return spent_on(session, {FEBRUARY: [budget_id]}).get(budget_id, {})


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        (Period.WEEK, date(2026, 2, 9), date(2026, 2, 16)),
        (Period.MONTH, date(2026, 2, 1), date(2026, 3, 1)),
        (Period.YEAR, date(2026, 1, 1), date(2027, 1, 1)),
    ],
)
def test_a_day_lies_in_its_period(period: Period, start: date, end: date) -> None:
    assert span_of(DAY, period) == (start, end)


@given(day=st.dates(date(2000, 1, 1), date(2199, 12, 31)), period=st.sampled_from(list(Period)))
def test_periods_follow_each_other_without_a_gap(day: date, period: Period) -> None:
    start, end = span_of(day, period)
    assert start <= day < end
    assert span_of(start, period) == (start, end)
    assert span_of(end, period).start == end


def test_refunds_count_against_what_was_spent(database: Engine) -> None:
    flat = home.move_in()
    food = flat.budget(10_000)
    flat.spend(5_000, on=DAY)
    flat.spend(-1_250, on=DAY)
    assert spent(food) == {"EUR": 3_750}


def test_sums_beyond_a_column_and_finer_than_a_cent_are_exact(database: Engine) -> None:
    flat = home.move_in()
    food = flat.budget(10_000)
    for _ in range(12):
        flat.spend(9 * 10**17, on=DAY)
    flat.spend(-5, on=DAY)
    flat.spend(12_345, on=DAY, currency="BTC", scale=8)
    flat.spend(50, on=DAY, currency="BTC")
    assert spent(food) == {"EUR": 12 * 9 * 10**17 - 5, "BTC": Decimal("50.012345")}


def test_only_the_days_of_the_period_count(database: Engine) -> None:
    flat = home.move_in()
    food = flat.budget(10_000)
    for day in (date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 28), date(2026, 3, 1)):
        flat.spend(100, on=day)
    assert spent(food) == {"EUR": 200}


def test_a_budget_holds_for_all_categories_below(database: Engine) -> None:
    flat = home.move_in()
    flat.category("Food")
    flat.category("Restaurants", below="Food")
    flat.category("Pizza", below="Restaurants")
    flat.category("Rent")
    food, restaurants = flat.budget(10_000), flat.budget(10_000, category="Restaurants")
    for category in ("Food", "Restaurants", "Pizza", "Rent"):
        flat.spend(100, on=DAY, category=category)
    assert spent(food) == {"EUR": 300}
    assert spent(restaurants) == {"EUR": 200}


def test_a_ring_of_categories_is_counted_once(database: Engine) -> None:
    flat = home.move_in()
    food = flat.budget(10_000)
    below = flat.category("Restaurants", below="Food")
    with transaction() as session:
        session.get_one(Category, flat.categories["Food"]).parent_id = below
    flat.spend(100, on=DAY)
    assert spent(food) == {"EUR": 100}


def test_accounts_that_are_closed_or_kept_out_do_not_count(database: Engine) -> None:
    flat = home.move_in()
    food = flat.budget(10_000)
    flat.spend(100, on=DAY)
    flat.spend(100, on=DAY, account=flat.open_account(is_active=False))
    flat.spend(100, on=DAY, account=flat.open_account(include_in_budget=False))
    assert spent(food) == {"EUR": 100}


@pytest.mark.parametrize(("include_pending", "counted"), [(True, 300), (False, 100)])
def test_what_is_pending_counts_where_the_budget_says_so(
    database: Engine, include_pending: bool, counted: int
) -> None:
    flat = home.move_in()
    food = flat.budget(10_000, include_pending=include_pending)
    flat.spend(100, on=DAY)
    flat.spend(200, on=DAY, pending=True)
    assert spent(food) == {"EUR": counted}


def test_currencies_are_not_added_up(database: Engine) -> None:
    flat = home.move_in()
    food = flat.budget(10_000)
    flat.spend(100, on=DAY)
    flat.spend(200, on=DAY, currency="USD")
    assert spent(food) == {"EUR": 100, "USD": 200}


def test_sums_go_beyond_what_a_float_holds(database: Engine) -> None:
    flat = home.move_in()
    food = flat.budget(10_000)
    for _ in range(3):
        flat.spend(2**53 + 1, on=DAY)
    assert spent(food) == {"EUR": 3 * (2**53 + 1)}


def test_a_category_has_one_budget_per_period(database: Engine) -> None:
    flat = home.move_in()
    flat.budget(10_000)
    flat.budget(10_000, period=Period.WEEK)
    with pytest.raises(BudgetExists, match="has a budget per month"):
        flat.budget(20_000)


def test_a_budget_needs_a_category_of_its_household(database: Engine) -> None:
    flat, other = home.move_in(), home.move_in()
    flat.categories["Food"] = other.category("Food")
    with pytest.raises(CategoryNotOfHousehold):
        flat.budget(10_000)


def test_thresholds_are_kept_in_order_and_once(database: Engine) -> None:
    flat = home.move_in()
    food = flat.budget(10_000, thresholds=(100, 50, 100))
    with reading() as session:
        assert budgets.budget(session, household_id=flat.id, budget_id=food).thresholds == [50, 100]


def test_a_budget_belongs_to_its_household_alone(database: Engine) -> None:
    food, other = home.move_in().budget(10_000), home.move_in()
    with transaction() as session, pytest.raises(BudgetNotFound):
        budgets.remove(session, household_id=other.id, budget_id=food)

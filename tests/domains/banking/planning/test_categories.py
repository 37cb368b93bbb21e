"""Categories of a household, and what comes under them by itself."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from app.db.sessions import reading, transaction
from app.domains.banking.errors import HouseholdNotFound
from app.domains.banking.models import Transaction
from app.domains.banking.planning import categories
from app.domains.banking.planning.errors import CategoryExists, CategoryNotOfHousehold
from tests.api_client import client_for
from tests.domains.banking import home

if TYPE_CHECKING:
    from sqlalchemy import Engine

DINED = "FOOD_AND_DRINK"


def add(
    flat: home.Home, name: str = "Food", *, parent_id: int | None = None, plaid: str | None = None
) -> int:
    with transaction() as session:
        made = categories.add(
            session, household_id=flat.id, name=name, parent_id=parent_id, plaid_category=plaid
        )
        return made.id


def filed_under() -> list[int | None]:
    with reading() as session:
        return list(session.scalars(select(Transaction.category_id).order_by(Transaction.id)))


def test_transactions_that_came_before_a_category_come_under_it(database: Engine) -> None:
    flat, other = home.move_in(), home.move_in()
    for here in (flat, other):
        here.category("Treats")
        here.spend(100, on=date(2026, 1, 1), category="Treats")
    flat.spend(200, on=date(2026, 1, 2), category="Treats")
    with transaction() as session:
        session.execute(update(Transaction).values(plaid_category=DINED))
        session.execute(update(Transaction).where(Transaction.id < 3).values(category_id=None))
    food = add(flat, plaid=DINED)
    # Not what another household spent, nor what somebody had filed.
    assert filed_under() == [food, None, flat.categories["Treats"]]


def test_a_household_has_one_category_of_a_name_and_one_for_each_of_plaids(database: Engine) -> None:
    flat = home.move_in()
    add(flat, plaid=DINED)
    for name, plaid in (("Food", None), ("Drink", DINED)):
        with pytest.raises(CategoryExists, match=f'"{name}"'):
            add(flat, name, plaid=plaid)
    add(home.move_in(), plaid=DINED)


def test_a_parent_is_of_the_same_household(database: Engine) -> None:
    flat, other = home.move_in(), home.move_in()
    food = add(flat)
    assert add(flat, "Fruit", parent_id=food) > food
    with pytest.raises(CategoryNotOfHousehold):
        add(other, parent_id=food)


def test_no_household_has_no_categories(database: Engine) -> None:
    with reading() as session, pytest.raises(HouseholdNotFound):
        categories.categories_of(session, household_id=4711)


def test_categories_are_made_and_listed_over_http(database: Engine) -> None:
    path = f"/api/v1/banking/households/{home.move_in().id}/categories"
    api = client_for("banking:read", "banking:write")
    food = api.post(path, json={"name": "Food", "plaid_category": DINED}).json()
    fruit = api.post(path, json={"name": "Fruit", "parent_id": food["id"]}).json()
    assert api.get(path).json() == [food, fruit]
    assert api.post(path, json={"name": "Food"}).json()["code"] == "category_exists"
    assert api.post(path, json={"name": "Wine", "plaid_category": "wine"}).status_code == 422

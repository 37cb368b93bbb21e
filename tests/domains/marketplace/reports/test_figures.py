"""What reports say is what rows say: each currency by itself, some models by name and the others as one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from app.db.sessions import transaction
from app.domains.marketplace.orders import settling
from app.domains.marketplace.reports import periods
from app.domains.marketplace.reports.errors import NoSuchMonth, NotOver, NotSettled, TooLongAgo
from app.domains.marketplace.reports.figures import Sales
from app.domains.marketplace.reports.ranking import NAMED
from tests.domains.marketplace.market import NOW, add_model, add_tier, place
from tests.domains.marketplace.reports.shop import (
    DAY,
    JANUARY,
    TODAY,
    before,
    figures,
    sell,
    use,
)
from tests.domains.notifications.people import add_user

if TYPE_CHECKING:
    from sqlalchemy import Engine

pytestmark = pytest.mark.usefixtures("database")
ONE_DATABASE = pytest.mark.databases("sqlite")
MIDNIGHT = datetime(2026, 1, 31, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


def test_sales_of_each_currency_stand_apart() -> None:
    model = add_model()
    for amount in (100_00, 50_01):
        sell(model, amount)
    sell(model, 3_000, currency="JPY", quantity=2)
    sell(model, 70_00, at=before(1))
    found = figures()
    assert found.sales == {
        "EUR": Sales(orders=2, net=150_01, gross=150_01),
        "JPY": Sales(orders=1, net=6_000, gross=6_000),
    }
    assert found.sales_before == {"EUR": Sales(orders=1, net=70_00, gross=70_00), "JPY": Sales()}
    assert found.currencies == ["EUR", "JPY"]
    assert [(one.currency, one.model_id, one.licences, one.net) for one in found.sold] == [
        ("EUR", model, 2, 150_01),
        ("JPY", model, 2, 6_000),
    ]
    assert found.days == {"EUR": {DAY: 150_01, date(2026, 1, 30): 70_00}, "JPY": {DAY: 6_000}}


def test_a_day_is_from_midnight_to_midnight() -> None:
    model = add_model()
    for at in (MIDNIGHT - INSTANT, MIDNIGHT, MIDNIGHT + timedelta(days=1) - INSTANT):
        sell(model, 1_00, at=at)
    sell(model, 1_00, at=MIDNIGHT + timedelta(days=1))
    found = figures()
    assert (found.sales["EUR"].orders, found.sales_before["EUR"].orders) == (2, 1)


def test_what_went_back_stands_beside_what_came_and_takes_nothing_from_it() -> None:
    model = add_model()
    old, new = sell(model, 30_00, at=before(40)), sell(model, 20_00)
    unpaid = place(add_user(), add_tier(model))
    with transaction() as session:
        for order in (old, new):
            settling.refund(session, order_id=order.id, now=NOW)
        settling.cancel(session, order_id=unpaid.id, now=NOW)
    assert figures().sales == {"EUR": Sales(orders=1, net=20_00, gross=20_00, refunds=2, refunded=50_00)}


def test_all_else_is_counted() -> None:
    model = add_model()
    add_model(is_published=False)
    use(model, views=7, downloads=3)
    use(model, views=5, day=date(2026, 1, 30))
    sell(model, 1_00, quantity=3)
    counts = figures().counts
    assert (counts.models_uploaded, counts.models_published, counts.versions_published) == (2, 1, 2)
    assert (counts.new_users, counts.licences, counts.views, counts.downloads) == (1, 3, 7, 3)
    assert figures().counts_before.views == 5
    assert figures(periods.of_day(date(2026, 2, 3))).counts.models_uploaded == 0


def test_of_many_models_the_rest_is_one() -> None:
    ids = [add_model(title=f"Model {number}") for number in range(NAMED + 3)]
    for rank, model in enumerate(ids):
        sell(model, 100_00 - rank)
        use(model, views=rank, downloads=100 - rank)
    found = figures()
    assert [one.model_id for one in found.sold] == [*ids[:NAMED], None]
    assert [one.title for one in found.sold[:2]] == ["Model 0", "Model 1"]
    rest = found.sold[-1]
    assert (rest.models, rest.licences, rest.net) == (3, 3, 3 * 100_00 - 10 - 11 - 12)
    assert sum(one.net for one in found.sold) == found.sales["EUR"].net
    assert [one.model_id for one in found.used] == [*ids[:NAMED], None]
    assert (found.used[-1].models, found.used[-1].views) == (3, 10 + 11 + 12)


def test_a_month_is_compared_with_the_one_before() -> None:
    model = add_model()
    for amount, at in ((5_00, NOW), (7_00, before(20)), (40_00, before(31))):
        sell(model, amount, at=at)
    found = figures(JANUARY)
    assert (found.sales["EUR"].net, found.sales_before["EUR"].net) == (12_00, 40_00)
    assert found.days == {"EUR": {date(2026, 1, 11): 7_00, DAY: 5_00}}
    assert (len(JANUARY.days), len(TODAY.days)) == (31, periods.DAYS_SHOWN)


@ONE_DATABASE
def test_more_rows_take_no_more_statements(database: Engine) -> None:
    seen: list[str] = []
    event.listen(database, "before_cursor_execute", lambda *given: seen.append(given[2]))
    counts = []
    for _ in range(2):
        for _ in range(4):
            sell(add_model())
        seen.clear()
        figures()
        counts.append(len(seen))
    assert counts[0] == counts[1]


@ONE_DATABASE
@pytest.mark.parametrize(("year", "month"), [(2026, 13), (0, 1), (10**30, 1), (2026, None), (-1, -1)])
def test_what_is_no_month_is_refused(year: int, month: int | None) -> None:
    with pytest.raises(NoSuchMonth, match="a month from 1 to 12"):
        periods.of_month(year=year, month=month)


@ONE_DATABASE
@pytest.mark.parametrize(
    ("period", "refusal"),
    [
        (periods.of_month(year=2026, month=2), "2026-02 is over on 2026-03-01 at 00:00 UTC"),
        (periods.of_month(year=9999, month=11), "9999-11 is over on 9999-12-01"),
        (periods.of_month(year=1999, month=1), "1999-01 is more than 10 years ago"),
        (periods.of_day(date(2026, 2, 1)), "2026-02-01 is over on 2026-02-02"),
        (periods.of_day(date.max), "9999-12-31 is over on"),
        (periods.of_day(date.min), "0001-01-01 is more than 10 years ago"),
    ],
)
def test_what_is_not_over_or_long_over_is_refused(period: periods.Period, refusal: str) -> None:
    with pytest.raises((NotOver, TooLongAgo), match=refusal):
        periods.refuse_unsound(period, now=datetime(2026, 2, 1, 12, tzinfo=UTC))


@ONE_DATABASE
@pytest.mark.parametrize("seconds", [-240, 0, 60, 119])
def test_a_day_settles_before_there_is_a_report_of_it(seconds: int) -> None:
    """By a clock that is behind, too."""
    with pytest.raises(NotSettled, match=f"2026-01-31 is hardly over; .* in {120 - seconds} sec") as refused:
        periods.refuse_unsound(TODAY, now=TODAY.ends + timedelta(seconds=seconds))
    assert refused.value.after == timedelta(seconds=120 - seconds)
    periods.refuse_unsound(TODAY, now=TODAY.ends + periods.SETTLED_AFTER)


@ONE_DATABASE
def test_months_follow_each_other() -> None:
    assert str(JANUARY.before) == "2025-12"
    assert str(periods.of_month(year=2024, month=2).days[-1]) == "2024-02-29"
    assert str(periods.last_month(datetime(2026, 3, 1, tzinfo=UTC))) == "2026-02"
    assert str(periods.last_day(datetime(2026, 3, 1, tzinfo=UTC))) == "2026-02-28"

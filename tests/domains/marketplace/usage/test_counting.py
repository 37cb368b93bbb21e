"""Events are counted by the hour and the day, each once by its id, whoever tells of it how often."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.orm import Session

from app.db.engine import engine
from app.db.sessions import transaction
from app.domains.marketplace.usage import counting
from app.domains.marketplace.usage.models import Span, UsageKind
from app.values.field_errors import InvalidFields
from tests.checkpoints import committing
from tests.domains.marketplace import market
from tests.domains.marketplace.market import NOW, add_model, add_tier, pay, place
from tests.domains.marketplace.usage.happened import count, counts, event, remembered, totals
from tests.domains.notifications.people import add_user

if TYPE_CHECKING:
    from app.domains.marketplace.usage.counting import Event

pytestmark = pytest.mark.usefixtures("database")
HOUR = timedelta(hours=1)


def test_events_are_counted_by_model_kind_hour_and_day() -> None:
    first, second = add_model(), add_model()
    late = NOW - 12 * HOUR
    told = [
        event(first),
        event(first, happened_at=NOW + timedelta(minutes=59)),
        event(first, kind=UsageKind.DOWNLOAD),
        event(first, happened_at=late),
        event(second),
    ]
    assert count(*told) == 5
    assert counts() == {
        (first, "view", "01-31T11"): 2,
        (first, "download", "01-31T11"): 1,
        (first, "view", "01-30T23"): 1,
        (second, "view", "01-31T11"): 1,
    }
    assert counts(span=Span.DAY) == {
        (first, "view", "01-31T00"): 2,
        (first, "download", "01-31T00"): 1,
        (first, "view", "01-30T00"): 1,
        (second, "view", "01-31T00"): 1,
    }


def test_an_id_counts_once_within_a_batch_and_over_batches() -> None:
    model = add_model()
    one, other = event(model), event(model)
    assert count(one, one, other) == 2
    assert count(other, event(model), one) == 1
    assert count(one) == 0
    assert count() == 0
    assert totals() == {"view": 3}


@pytest.mark.parametrize("of", ["another model", "another kind"])
def test_the_id_of_another_event_is_named_and_nothing_is_counted(of: str) -> None:
    first, second = add_model(), add_model()

    def another(id_: str) -> Event:
        if of == "another model":
            return event(second, id=id_)
        return event(first, id=id_, kind=UsageKind.PURCHASE)

    count(event(first, id="known"))
    sentence = rf'events/1/id: The id "known" is that of a view of model {first}\. Give each event an id'
    with pytest.raises(InvalidFields, match=sentence):
        count(event(first), another("known"))
    with pytest.raises(InvalidFields, match="events/1/id"):
        count(event(first, id="new"), another("new"))
    assert totals() == {"view": 1}


@pytest.mark.databases("postgresql")
def test_batches_of_the_same_events_in_any_order_at_once_neither_lock_up_nor_count_twice() -> None:
    models = [add_model() for _ in range(3)]
    told = [
        event(model, kind=kind, happened_at=NOW - hours * HOUR)
        for model in models
        for kind in UsageKind
        for hours in range(4)
        for _ in range(5)
    ]
    shuffled = [random.Random(seed).sample(told, 120) for seed in range(24)]
    with ThreadPoolExecutor(8) as pool:
        counted = list(pool.map(lambda batch: count(*batch), shuffled))
    assert sum(counted) == len({one.id for batch in shuffled for one in batch}) == remembered()
    assert sum(totals().values()) == sum(counted)


def test_ids_are_forgotten_in_batches_when_nobody_may_send_them_again_and_counts_stay() -> None:
    model = add_model()
    with transaction() as session:
        old = [event(model) for _ in range(1_001)]
        counting.count(session, old, now=NOW - counting.FORGOTTEN_AFTER - timedelta(seconds=1))
        counting.count(session, [event(model)], now=NOW - counting.FORGOTTEN_AFTER)
    with Session(engine()) as session:
        assert counting.forget(session, now=NOW, commit=committing(session)) == 1_001
        assert counting.forget(session, now=NOW, commit=committing(session)) == 0
    assert (remembered(), totals()) == (1, {"view": 1_002})
    assert counting.FORGOTTEN_AFTER > counting.REMEMBERED


def test_a_paid_order_counts_once_for_each_model_with_its_payment() -> None:
    first, second = add_model(), add_model()
    order = place(add_user(), market.tier_of(first), add_tier(first, amount=1), market.tier_of(second))
    assert totals() == {}
    for _ in range(2):
        pay(order)
    assert counts() == {(first, "purchase", "01-31T11"): 1, (second, "purchase", "01-31T11"): 1}


def test_what_costs_nothing_is_bought_with_its_order() -> None:
    model = add_model()
    place(add_user(), add_tier(model, amount=0), quantity=3)
    assert totals() == {"purchase": 1}

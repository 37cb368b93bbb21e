from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.db.sessions import reading, transaction
from app.domains.pricing import service
from app.domains.pricing.errors import BatchNotFound
from app.domains.pricing.facts import Cleanup, KeyRange, Stats
from app.domains.pricing.models import BatchDiscount, Product
from tests.domains.pricing import shop

if TYPE_CHECKING:
    from sqlalchemy import Engine


def clean_up(at: datetime) -> Cleanup:
    with transaction() as session:
        return service.cleanup_expired(session=session, now=at)


def recompute_one(batch_id: int, *, at: datetime | None = None) -> Stats:
    with transaction() as session:
        return service.recompute_batch(
            session=session, rules=shop.RULES, batch_id=batch_id, now=at or shop.now()
        )


def test_a_batch_near_its_date_gets_the_price_of_its_rule(database: Engine) -> None:
    batch = shop.put(days=3, price="10.00")
    assert shop.recompute() == Stats(examined=1, opened=1)
    discount = shop.active(batch)
    assert discount is not None
    assert discount.computed_price == Decimal("6.00")
    assert discount.discount_pct == Decimal("40.0000")
    assert discount.rule == "ending soon"
    assert discount.expires_at.date() == shop.now().date() + timedelta(days=4)


def test_repeating_a_recompute_changes_nothing(database: Engine) -> None:
    shop.put_many(20)
    first = shop.recompute()
    with reading() as session:
        before = session.scalars(select(BatchDiscount.id).order_by(BatchDiscount.id)).all()
    assert first.opened == 20
    assert shop.recompute(chunk_size=3) == Stats(examined=20, unchanged=20)
    with reading() as session:
        assert session.scalars(select(BatchDiscount.id).order_by(BatchDiscount.id)).all() == before


def test_a_new_price_closes_the_old_discount_and_opens_another(database: Engine) -> None:
    batch = shop.put(days=3, price="10.00")
    shop.recompute()
    shop.change(batch, price="20.00")
    assert shop.recompute() == Stats(examined=1, changed=1)
    old, new = shop.discounts(batch)
    assert old.valid_to == new.valid_from
    assert (new.computed_price, new.valid_to) == (Decimal("12.00"), None)


def test_a_discount_ends_when_no_rule_gives_one_any_more(database: Engine) -> None:
    batch = shop.put(days=3)
    shop.recompute()
    shop.change(batch, days=20)
    assert shop.recompute() == Stats(examined=1, ended=1)
    assert shop.active(batch) is None
    assert len(shop.discounts(batch)) == 1


@pytest.mark.parametrize(
    ("days", "quantity", "examined"), [(-1, 10, 0), (0, 10, 1), (30, 10, 1), (31, 10, 0), (3, 0, 0)]
)
def test_a_recompute_looks_at_what_can_be_sold_within_the_days(
    database: Engine, days: int, quantity: int, examined: int
) -> None:
    shop.put(days=days, quantity=quantity)
    assert shop.recompute(days=30).examined == examined


def test_an_expired_batch_gets_no_discount_again_after_cleanup(database: Engine) -> None:
    batch = shop.put(days=1)
    shop.recompute()
    shop.change(batch, days=-1)
    assert clean_up(shop.now()).expired_batches == 1
    shop.recompute()
    recompute_one(batch.id)
    assert shop.active(batch) is None
    assert len(shop.discounts(batch)) == 1


def test_cleanup_counts_expired_batches_and_discounts_past_their_end(database: Engine) -> None:
    gone, moved, kept = (shop.put(code=code, days=1) for code in ("A", "B", "C"))
    shop.recompute()
    shop.change(gone, days=-2)
    shop.change(moved, days=60)
    shop.change(kept, days=60)
    with transaction() as session:
        session.get_one(BatchDiscount, shop.discounts(kept)[0].id).expires_at = shop.now() + timedelta(days=9)
    tomorrow = shop.now() + timedelta(days=2)
    assert clean_up(tomorrow) == Cleanup(expired_batches=1, past_expires_at=1)
    assert clean_up(tomorrow) == Cleanup(expired_batches=0, past_expires_at=0)
    assert shop.active(kept) is not None


def test_a_discount_that_ran_out_is_closed_at_the_moment_it_did(database: Engine) -> None:
    batch = shop.put(days=1)
    shop.recompute()
    clean_up(shop.now() + timedelta(days=30))
    [discount] = shop.discounts(batch)
    assert discount.valid_to == discount.expires_at


def test_one_batch_is_priced_on_demand(database: Engine) -> None:
    batch, other = shop.put(code="A"), shop.put(code="B")
    assert recompute_one(batch.id) == Stats(examined=1, opened=1)
    assert recompute_one(batch.id) == Stats(examined=1, unchanged=1)
    assert shop.active(other) is None


def test_a_batch_that_does_not_exist_is_named(database: Engine) -> None:
    with pytest.raises(BatchNotFound, match="no batch with the id 4711"):
        recompute_one(4711)


def test_the_database_refuses_a_second_active_discount(database: Engine) -> None:
    batch = shop.put()
    shop.recompute()
    row = {
        "batch_id": batch.id,
        "discount_pct": Decimal(5),
        "computed_price": Decimal(5),
        "rule": "sneaky",
        "valid_from": shop.now(),
        "expires_at": shop.now(),
    }
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(insert(BatchDiscount).values(**row))


def test_two_recomputes_at_once_leave_one_active_discount_each(database: Engine) -> None:
    shop.put_many(60)
    for price in ("10.00", "20.00", "30.00"):
        with transaction() as session:
            session.execute(update(Product).values(base_price=Decimal(price)))
        together = Barrier(4)

        def run(size: int, together: Barrier = together) -> Stats:
            together.wait()
            return shop.recompute(chunk_size=size)

        with ThreadPoolExecutor(4) as threads:
            done = sum(threads.map(run, (7, 13, 20, 60)), Stats())
        assert done.opened + done.changed == 60
        assert done.examined == 240
    with reading() as session:
        per_batch = (
            select(func.count()).where(BatchDiscount.valid_to.is_(None)).group_by(BatchDiscount.batch_id)
        )
        assert set(session.scalars(per_batch)) == {1}
        assert session.scalar(select(func.count()).select_from(BatchDiscount)) == 180


def test_key_ranges_cover_the_window_once(database: Engine) -> None:
    shop.put_many(25)
    shop.put(code="far", days=90)
    with reading() as session:
        ranges = service.key_ranges(session=session, days_threshold=30, size=10, now=shop.now())
        counts = [
            service.count_window(session=session, days_threshold=30, keys=keys, now=shop.now())
            for keys in ranges
        ]
        everything = service.count_window(session=session, days_threshold=30, keys=KeyRange(), now=shop.now())
    assert counts == [10, 10, 5]
    assert everything == 25

"""Orders: placed once, paid once, whoever tells it how often; and what follows from that."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.db.sessions import reading, transaction
from app.domains.accounts.errors import UserNotFound
from app.domains.marketplace.catalog import service as catalog
from app.domains.marketplace.orders import settling
from app.domains.marketplace.orders.errors import (
    KeyOfAnotherOrder,
    KeyOfAnotherPayment,
    MixedCurrencies,
    NotForSale,
    OrderedTwice,
    OrderNotFound,
    TooManyLicences,
    WrongAmount,
    WrongState,
)
from app.domains.marketplace.orders.models import Provider
from app.domains.marketplace.orders.settling import Taken
from app.jobs.ledger.models import Job
from app.values.money import AmountTooLarge
from tests.domains.marketplace import market
from tests.domains.marketplace.market import EXEMPT, NOW, add_model, add_tier, licences, pay, payments, place
from tests.domains.notifications.people import add_user

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

pytestmark = pytest.mark.usefixtures("database")
ONE_DATABASE = pytest.mark.databases("sqlite")


def job_keys() -> list[str]:
    with reading() as session:
        found = session.scalars(select(Job.key).where(Job.task.startswith("marketplace."))).all()
    return sorted(key or "" for key in found)


def test_an_order_is_put_down_as_things_cost_then() -> None:
    model = add_model()
    first, second = market.tier_of(model), add_tier(model, amount=33_33, tax=EXEMPT, name="Small")
    order = place(add_user(), first, second, quantity=3)
    # 300.00 and 99.99, of which the first alone is taxed.
    assert (order.net, order.tax, order.gross, order.currency) == (399_99, 57_00, 456_99, "EUR")
    assert (order.state, order.number) == ("pending", f"ORD-{order.id:06}")
    with transaction() as session:
        catalog.end_tier(session, model_id=model, tier_id=first, now=NOW)
        lines = settling.lines_of(session, order_id=order.id)
        assert [(line.tier, line.quantity, line.amount, line.net, line.tax_reason) for line in lines][1] == (
            "Small",
            3,
            33_33,
            99_99,
            "Small business",
        )
    assert pay(order).state == "paid", "what was ordered stays as it is"


@ONE_DATABASE
def test_tax_is_rounded_once_per_rate() -> None:
    model = add_model()
    tiers = [add_tier(model, amount=10) for _ in range(3)]
    # 19 % of 10 are 2 for each; of 30 they are 6 (5.7), and not 3 times 2 by luck alone.
    assert place(add_user(), *tiers).tax == 6
    assert place(add_user(), *(add_tier(model, amount=13) for _ in range(3))).tax == 7


def test_the_same_key_is_the_same_order() -> None:
    user, tier = add_user(), market.tier_of(add_model())
    first = place(user, tier, key="k")
    assert place(user, tier, key="k").id == first.id
    assert place(add_user(), tier, key="k").id != first.id, "a key is its buyer's"
    with pytest.raises(KeyOfAnotherOrder, match=first.number):
        place(user, tier, key="k", quantity=2)


@ONE_DATABASE
def test_what_cannot_be_ordered_is_refused_with_a_sentence() -> None:
    user, model = add_user(), add_model()
    tier, dollars = market.tier_of(model), add_tier(model, currency="USD")
    draft = market.add_model(is_published=False)
    ended = add_tier(model)
    with transaction() as session:
        catalog.end_tier(session, model_id=model, tier_id=ended, now=NOW)
    refused: list[tuple[type[Exception], tuple[int, ...], dict[str, Any]]] = [
        (OrderedTwice, (tier, tier), {}),
        (TooManyLicences, (tier,), {"quantity": 101}),
        (NotForSale, (tier, 2**63 - 1), {}),
        (NotForSale, (market.tier_of(draft),), {}),
        (NotForSale, (ended,), {}),
        (MixedCurrencies, (tier, dollars), {}),
        (AmountTooLarge, (add_tier(model, amount=2**62),), {"quantity": 100}),
    ]
    for error, tiers, more in refused:
        with pytest.raises(error):
            place(user, *tiers, **more)
    with pytest.raises(UserNotFound):
        place(4_711, tier)


def test_an_order_that_is_paid_has_its_licences_and_mails_in_the_same_transaction() -> None:
    user, model = add_user(), add_model()
    order = place(user, market.tier_of(model), quantity=2)
    assert (licences(), job_keys()) == ([], [])

    def crash() -> None:
        with transaction() as session:
            settling.record(session, order_id=order.id, money=market.money(order), now=NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        crash()
    assert (licences(), payments(), job_keys(), market.order(order.id).state) == ([], [], [], "pending")
    pay(order)
    ids = [one.id for one in licences()]
    assert len({one.key for one in licences()}) == len({one.digest for one in licences()}) == len(ids) == 2
    assert job_keys() == sorted([f"order-confirmation:{order.id}", *(f"licence-mail:{id_}" for id_ in ids)])


def test_what_is_paid_twice_is_paid_once() -> None:
    order = place(add_user(), market.tier_of(add_model()))
    assert pay(order).paid_at == pay(order).paid_at == NOW
    assert (len(payments()), len(licences())) == (1, 1)
    with pytest.raises(WrongState, match="is paid; only one that is pending"):
        pay(order, key="bank-2")
    with pytest.raises(KeyOfAnotherPayment):
        pay(order, amount=1)
    other = place(add_user(), market.tier_of(add_model()))
    with pytest.raises(KeyOfAnotherPayment):
        pay(other)
    assert market.order(other.id).state == "pending"


@ONE_DATABASE
@pytest.mark.parametrize("changed", [{"amount": 118_99}, {"amount": 119_01}, {"currency": "USD"}])
def test_another_sum_pays_nothing(changed: dict[str, Any]) -> None:
    order = place(add_user(), market.tier_of(add_model()))
    with pytest.raises(WrongAmount, match=r"costs 119\.00 EUR, and 1"):
        pay(order, **changed)
    assert (payments(), licences()) == ([], [])
    with transaction() as session:
        money = market.money(order, provider=Provider.STRIPE, **changed)
        assert settling.take(session, order_id=order.id, money=money, now=NOW) is Taken.SURPLUS
    [kept] = payments()
    assert "costs 119.00 EUR" in str(kept.problem), "money that is there is never forgotten"
    assert (market.order(order.id).state, licences()) == ("pending", [])


@ONE_DATABASE
def test_what_costs_nothing_is_paid_at_once() -> None:
    order = place(add_user(), add_tier(add_model(), amount=0))
    assert (order.state, len(licences()), payments()) == ("paid", 1, [])


@ONE_DATABASE
def test_an_order_is_cancelled_or_refunded_once_and_never_both() -> None:
    user, tier = add_user(), market.tier_of(add_model())
    unpaid, paid = place(user, tier), place(user, tier)
    pay(paid)
    steps: list[tuple[Callable[..., Any], int, str | type[Exception]]] = [
        (settling.refund, unpaid.id, WrongState),
        (settling.cancel, unpaid.id, "cancelled"),
        (settling.cancel, unpaid.id, "cancelled"),
        (settling.refund, unpaid.id, WrongState),
        (settling.cancel, paid.id, WrongState),
        (settling.refund, paid.id, "refunded"),
        (settling.refund, paid.id, "refunded"),
        (settling.refund, 4_711, OrderNotFound),
    ]
    for step, order_id, expected in steps:
        with transaction() as session:
            if isinstance(expected, str):
                assert step(session, order_id=order_id, now=NOW).state == expected
            else:
                with pytest.raises(expected):
                    step(session, order_id=order_id, now=NOW)
    assert [one.revoked_at for one in licences()] == [NOW]
    with pytest.raises(WrongState, match="is cancelled"):
        pay(unpaid, key="bank-9")


def at_once(work: Callable[[int], Any], *, times: int = 6) -> list[Any]:
    """What `work` gives, or raises, when it is begun so often at the same moment."""
    barrier = Barrier(times)

    def begun(number: int) -> Any:
        barrier.wait()
        try:
            return work(number)
        except Exception as error:
            return error

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(begun, range(times)))


def test_of_several_payments_at_once_one_pays(database: Engine) -> None:
    order = place(add_user(), market.tier_of(add_model()))
    found = at_once(lambda number: pay(order, key=f"bank-{number % 2}"))
    assert {str(one.state) for one in found if not isinstance(one, Exception)} == {"paid"}
    assert {type(one) for one in found if isinstance(one, Exception)} == {WrongState}
    assert (len(payments()), len(licences()), len(job_keys())) == (1, 1, 2)


def test_of_several_requests_at_once_one_orders() -> None:
    user, tier = add_user(), market.tier_of(add_model())
    found = at_once(lambda _: place(user, tier, key="k"))
    assert len({one.id for one in found}) == 1, found


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("period", "begins", "ends"),
    [
        ("once", (2026, 1, 31), None),
        ("monthly", (2026, 1, 31), (2026, 2, 28)),
        ("monthly", (2026, 12, 15), (2027, 1, 15)),
        ("yearly", (2028, 2, 29), (2029, 2, 28)),
    ],
)
def test_a_licence_is_good_for_what_was_paid(
    period: str, begins: tuple[int, int, int], ends: tuple[int, int, int] | None
) -> None:
    order = place(add_user(), add_tier(add_model(), period=period))
    pay(order, now=datetime(*begins, 11, tzinfo=UTC))
    expected = None if ends is None else datetime(*ends, 11, tzinfo=UTC)
    assert [one.expires_at for one in licences()] == [expected]

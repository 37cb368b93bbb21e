"""Stripe's events: known by their signature, taken once, and never more believed than they say."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from app.db.sessions import reading, transaction
from app.domains.marketplace.stripe import applying, signatures
from app.domains.marketplace.stripe.api import WEBHOOK_PATH
from app.domains.marketplace.stripe.errors import InvalidSignature, StripeNotConfigured, UnusableEvent
from app.domains.marketplace.stripe.events import Paid, Refunded, event_of
from app.domains.marketplace.stripe.models import StripeEvent
from tests.api_client import anonymous
from tests.domains.marketplace import market
from tests.domains.marketplace.market import NOW, add_model, licences, payments, place
from tests.domains.marketplace.test_orders import at_once
from tests.domains.notifications.people import add_user
from tests.fakes import stripe
from tests.fakes.stripe import SIGNING_SECRET, Signed, checkout_session, event, payment_intent, sign

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domains.marketplace.orders.models import Order

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
BODY = event("payment_intent.succeeded", payment_intent("ORD-000001", payment="pi_1", amount=119_00))
ONE_DATABASE = pytest.mark.databases("sqlite")


@pytest.fixture(autouse=True)
def _secret(configure: Callable[..., None]) -> None:
    configure(stripe_webhook_secret=SIGNING_SECRET)


def verify(signed: Signed) -> None:
    signatures.check_header(signed.headers["stripe-signature"], now=AT).verify(signed.body)


def signed_at(moment: datetime, body: bytes = BODY, **changes: Any) -> Signed:
    return sign(body, at=moment.timestamp(), **changes)


def with_header(header: str, body: bytes = BODY) -> Signed:
    return Signed(headers={"stripe-signature": header}, body=body)


def test_the_signature_is_an_hmac_of_moment_and_body() -> None:
    # Made by: printf '1492774577.{"id": "evt_1"}' | openssl dgst -sha256 -hmac whsec_test_secret
    expected = "10b0a2815816a45e6b874658b928cae03296be10637343405aaf1e8306ddffdc"
    body = b'{"id": "evt_1"}'
    assert signatures.signature("whsec_test_secret", timestamp="1492774577", body=body) == expected


@pytest.mark.parametrize("age", [timedelta(), timedelta(minutes=5), -timedelta(minutes=5)])
def test_what_stripe_signed_just_now_passes(age: timedelta) -> None:
    verify(signed_at(AT - age))


@pytest.mark.parametrize("secrets", [(SIGNING_SECRET, "whsec_next"), ("whsec_last", SIGNING_SECRET)])
def test_one_of_several_signatures_is_enough_while_a_secret_is_rolled(secrets: tuple[str, ...]) -> None:
    verify(signed_at(AT, secrets=secrets))


@pytest.mark.parametrize("age", [timedelta(minutes=5, seconds=1), -timedelta(minutes=5, seconds=1)])
def test_what_is_not_new_is_refused(age: timedelta) -> None:
    with pytest.raises(InvalidSignature, match="within the last five minutes"):
        verify(signed_at(AT - age))


def test_what_is_not_surely_stripes_is_refused() -> None:
    good = signed_at(AT)
    header = good.headers["stripe-signature"]
    moment, v1, v0 = header.split(",")
    forged = [
        signed_at(AT, secrets=("another",)),
        signed_at(AT, secrets=()),
        with_header(header, BODY + b" "),
        with_header(header, json.dumps(json.loads(BODY)).encode()),
        with_header(header.replace(moment, f"t={AT.timestamp() - 1:.0f}")),
        with_header(f"{moment},{v0},v0={v1[3:]}"),
        with_header(f"{moment},v1={v1[3:].upper()}"),
        with_header(f"{moment},v1={v1[3:-1]}"),
        with_header(f"{moment},v1=\udcff"),
        with_header(f"{moment},{moment},{v1}"),
        with_header(v1),
        with_header(""),
        with_header(f"t=,{v1}"),
        with_header(f"t=NaN,{v1}"),
        with_header(f"t=-5,{v1}"),
        with_header(f"t={chr(0x665) * 10},{v1}"),
        with_header(f"t={'9' * 5_000},{v1}"),
        with_header(f"{moment}," + ",".join(["v1=0"] * 10_000)),
    ]
    for one in forged:
        with pytest.raises(InvalidSignature):
            verify(one)


def test_without_a_secret_nothing_passes(configure: Callable[..., None]) -> None:
    configure(stripe_webhook_secret="")
    with pytest.raises(StripeNotConfigured, match="GROUNDWORK_STRIPE_WEBHOOK_SECRET"):
        verify(signed_at(AT, secrets=("",)))


def told(kind: str, subject: Any) -> Paid | Refunded | None:
    return event_of(event(kind, subject)).told


SESSION = checkout_session("ORD-000001", payment="pi_1", amount=119_00)
INTENT = payment_intent("ORD-000001", payment="pi_1", amount=119_00)
PAID = Paid(order="ORD-000001", payment="pi_1", amount=119_00, currency="EUR")


def test_an_event_says_what_was_paid_for_what() -> None:
    assert told("checkout.session.completed", SESSION) == PAID
    assert told("checkout.session.async_payment_succeeded", SESSION) == PAID
    named = SESSION | {"client_reference_id": None, "metadata": {"order": "ORD-000001"}}
    assert told("checkout.session.completed", named) == PAID
    assert told("payment_intent.succeeded", INTENT) == PAID
    refund = stripe.refunded_charge("pi_1", amount=119_00, back=119_00)
    assert told("charge.refunded", refund) == Refunded(payment="pi_1")


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        ("checkout.session.completed", SESSION | {"payment_status": "unpaid"}),
        ("checkout.session.completed", SESSION | {"payment_status": "no_payment_required"}),
        ("checkout.session.completed", SESSION | {"client_reference_id": None}),
        ("payment_intent.succeeded", INTENT | {"metadata": {}}),
        ("payment_intent.succeeded", INTENT | {"metadata": None}),
        ("charge.refunded", stripe.refunded_charge("pi_1", amount=119_00, back=1)),
        ("invoice.paid", {"anything": "at all"}),
    ],
)
def test_of_what_is_not_about_a_paid_order_nothing_is_made(kind: str, subject: dict[str, Any]) -> None:
    assert told(kind, subject) is None


@pytest.mark.parametrize(
    ("currency", "amount", "minor"),
    [
        ("jpy", 500, 500),
        ("isk", 500_00, 500),
        ("ugx", 500_00, 500),
        ("mga", 500, 500_00),
        ("kwd", 1_500, 1_500),
    ],
)
def test_amounts_are_counted_as_stripe_counts_them(currency: str, amount: int, minor: int) -> None:
    found = told("payment_intent.succeeded", INTENT | {"currency": currency, "amount_received": amount})
    assert isinstance(found, Paid)
    assert found.amount == minor


AMOUNTS: list[Any] = [None, 0, -1, 119.0, True, "11900", 2**63, 10**300, []]
CURRENCIES: list[Any] = [None, "", "EURO", "btc", "éur", 5, "e" * 10_000]
IDS: list[Any] = [None, "", 5, "x" * 10_000, "pi_\u202e\n"]
ORDERS: list[Any] = ["", 5, [], "x" * 10_000, "ORD\n1"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("amount_received", one) for one in AMOUNTS),
        *(("currency", one) for one in CURRENCIES),
        *(("id", one) for one in IDS),
        *(("metadata", {"order": one}) for one in ORDERS),
    ],
)
def test_what_cannot_be_read_is_refused(name: str, value: Any) -> None:
    with pytest.raises(UnusableEvent):
        told("payment_intent.succeeded", INTENT | {name: value})


@pytest.mark.parametrize(("currency", "amount"), [("isk", 150), ("mga", 2**62)])
def test_an_amount_that_the_currency_cannot_have_is_refused(currency: str, amount: int) -> None:
    with pytest.raises(UnusableEvent, match="no whole amount"):
        told("payment_intent.succeeded", INTENT | {"currency": currency, "amount_received": amount})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"id": "evt_1", "id": "evt_2"}',
        b'{"id": "evt_1", "type": "payment_intent.succeeded"}',
        b'{"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": []}}',
        b'{"id": "evt_1\\u0000", "type": "x"}',
        b'{"id": "evt_1", "type": "\\ud800"}',
        b'{"id": NaN, "type": "x"}',
        b"[" * 100_000,
        b"\xff\xfe{}",
    ],
)
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(UnusableEvent):
        event_of(body)


def ordered() -> Order:
    return place(add_user(), market.tier_of(add_model()))


def post(body: bytes) -> int:
    signed = sign(body)
    answer = anonymous().post(WEBHOOK_PATH, content=signed.body, headers=signed.headers)
    return int(answer.status_code)


def outcomes() -> list[str]:
    with reading() as session:
        return sorted(session.scalars(select(StripeEvent.outcome)))


@pytest.mark.usefixtures("database")
def test_an_order_is_paid_once_whatever_stripe_tells_how_often() -> None:
    order = ordered()
    session = event(
        "checkout.session.completed", checkout_session(order.number, payment="pi_1", amount=119_00)
    )
    intent = event("payment_intent.succeeded", payment_intent(order.number, payment="pi_1", amount=119_00))
    assert {post(body) for body in (session, intent, session, intent)} == {200}
    assert market.order(order.id).state == "paid"
    assert (len(payments()), len(licences())) == (1, 1)
    assert outcomes() == ["known", "paid"]


@pytest.mark.usefixtures("database")
def test_of_the_same_event_at_once_one_is_taken() -> None:
    order = ordered()
    body = event("payment_intent.succeeded", payment_intent(order.number, payment="pi_1", amount=119_00))

    def take(_: int) -> str | None:
        with transaction() as session:
            return applying.apply(session, event_of(body), now=NOW)

    assert sorted(map(str, at_once(take))) == ["None"] * 5 + ["paid"]
    assert (len(payments()), len(licences()), outcomes()) == (1, 1, ["paid"])


@ONE_DATABASE
@pytest.mark.usefixtures("database")
def test_money_that_pays_nothing_is_kept_for_a_person() -> None:
    order, number = ordered(), iter(range(10))

    def paid(**changed: Any) -> None:
        told = payment_intent(order.number, payment=f"pi_{next(number)}", amount=119_00)
        assert post(event("payment_intent.succeeded", told | changed)) == 200

    paid(amount_received=118_00)
    paid(currency="usd")
    assert (market.order(order.id).state, len(licences())) == ("pending", 0)
    paid()
    paid()
    assert (market.order(order.id).state, len(licences())) == ("paid", 1)
    assert [one.problem is None for one in payments()] == [False, False, True, False]
    assert outcomes() == ["paid", "surplus", "surplus", "surplus"]


@ONE_DATABASE
@pytest.mark.usefixtures("database")
def test_what_is_about_no_order_of_ours_is_acknowledged() -> None:
    order = ordered()
    market.pay(order, key="bank-1")
    for number in ("ORD-999999", "ORD-1", "customer 7", "ORD-" + "9" * 100):
        assert (
            post(event("payment_intent.succeeded", payment_intent(number, payment="pi_9", amount=1))) == 200
        )
    assert post(event("customer.created", {"id": "cus_1"})) == 200
    assert post(event("charge.refunded", stripe.refunded_charge("bank-1", amount=1, back=1))) == 200
    assert outcomes() == ["nothing", "nothing", *["order_not_found"] * 4]
    assert market.order(order.id).state == "paid", "a key of a bank is no name of Stripe's"


@ONE_DATABASE
@pytest.mark.usefixtures("database")
def test_a_payment_that_is_told_with_two_sums_changes_nothing() -> None:
    order = ordered()
    for amount in (119_00, 1):
        told = payment_intent(order.number, payment="pi_1", amount=amount)
        assert post(event("payment_intent.succeeded", told)) == 200
    assert outcomes() == ["key_of_another_payment", "paid"]
    assert [one.amount for one in payments()] == [119_00]


@ONE_DATABASE
@pytest.mark.usefixtures("database")
def test_what_went_back_whole_takes_the_licences_back() -> None:
    order = ordered()
    for payment in ("pi_1", "pi_2"):
        told = payment_intent(order.number, payment=payment, amount=119_00)
        assert post(event("payment_intent.succeeded", told)) == 200

    def back(payment: str, amount: int) -> None:
        charge = stripe.refunded_charge(payment, amount=119_00, back=amount)
        assert post(event("charge.refunded", charge)) == 200

    back("pi_2", 119_00)
    back("pi_1", 118_00)
    assert market.order(order.id).state == "paid", "the surplus, and a part, are not what paid it"
    back("pi_1", 119_00)
    back("pi_1", 119_00)
    assert market.order(order.id).state == "refunded"
    assert all(one.revoked_at for one in licences())


@ONE_DATABASE
@pytest.mark.usefixtures("database")
def test_what_is_not_stripes_never_gets_as_far_as_the_database() -> None:
    client = anonymous()
    forged = sign(BODY, secrets=("another",))
    answer = client.post(WEBHOOK_PATH, content=forged.body, headers=forged.headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_signature")
    assert post(b'{"id": "evt_1"}') == 422
    assert outcomes() == []


@ONE_DATABASE
@pytest.mark.usefixtures("database")
def test_events_are_forgotten_once_stripe_sends_them_no_more() -> None:
    with transaction() as session:
        for id_, age in (("evt_old", 31), ("evt_new", 29)):
            at = datetime.now(UTC) - timedelta(days=age)
            session.add(StripeEvent(id=id_, type="x", outcome="nothing", received_at=at))
    with transaction() as session:
        assert applying.forget(session, commit=lambda _progress=None: session.flush()) == 1
    with reading() as session:
        assert session.scalars(select(StripeEvent.id)).all() == ["evt_new"]

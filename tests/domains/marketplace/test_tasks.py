"""The tasks of the marketplace, run by real workers: each mail once, and a key in its mail alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.db.columns import Base
from app.db.sessions import reading, transaction
from app.domains.marketplace.licences import issuing
from app.domains.marketplace.orders import settling
from app.domains.marketplace.tasks import (
    forget_stripe_events,
    send_license_email,
    send_order_confirmation,
)
from app.jobs.declaration.registry import tasks as declared
from app.outbound.deliveries.models import Delivery
from app.topology import Queue
from tests.domains.marketplace import market
from tests.domains.marketplace.market import EXEMPT, NOW, add_model, add_tier, licences, pay, place
from tests.domains.notifications.people import add_user
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domains.marketplace.orders.models import Order
    from tests.fakes.smtp import MailServer
    from tests.fleet import Fleet
    from tests.servers import RedisServer

pytestmark = pytest.mark.databases("postgresql")
SECONDS = 60
KEY = re.compile(r"gwk_[A-Za-z0-9_-]{43}")


def ordered(quantity: int = 1) -> Order:
    """An order of somebody called Ada at two prices."""
    model = add_model(title="Sentinel <b>")
    return place(add_user(), market.tier_of(model), add_tier(model, amount=0, tax=EXEMPT), quantity=quantity)


def test_each_task_has_its_queue() -> None:
    emails = {settling.CONFIRM_TASK, issuing.MAIL_TASK}
    assert {declared()[name].queue for name in emails} == {Queue.EMAILS}
    assert all(declared()[name].public for name in emails)
    assert declared()["marketplace.forget_stripe_events"].queue == Queue.MAINTENANCE


def test_who_paid_is_told_once_and_gets_each_licence_once(fleet: Fleet, smtp: MailServer) -> None:
    fleet.start_worker(queues="emails,maintenance")
    order = ordered()
    pay(order)
    wait_until(lambda: len(smtp.mails) == 3, seconds=SECONDS, what="three mails arrive")
    ids = [one.id for one in licences()]
    for _ in range(2):
        send_order_confirmation.delay(order_id=order.id).get(timeout=SECONDS)
        for id_ in ids:
            send_license_email.delay(license_id=id_).get(timeout=SECONDS)
    fleet.wait_until_all_ended(seconds=SECONDS)
    texts = [mail.get_body(("plain",)).get_content() for mail in smtp.mails]  # type: ignore[union-attr]
    [confirmation] = [text for text in texts if order.number in text]
    for part in (
        "1 x Sentinel <b>",
        "100.00 EUR",
        "19 % tax: 19.00 EUR",
        "(Small business)",
        "Total: 119.00 EUR",
    ):
        assert part in confirmation
    assert {match[0] for text in texts if (match := KEY.search(text))} == {one.key for one in licences()}
    assert len(smtp.mails) == 3
    assert forget_stripe_events.delay().get(timeout=SECONDS) == {"events": 0}


def test_a_worker_that_dies_while_a_licence_leaves_does_not_send_it_twice(
    fleet: Fleet, smtp: MailServer
) -> None:
    held = smtp.hold()
    fleet.start_beat()
    worker = fleet.start_worker("first", queues="emails")
    order = place(add_user(), add_tier(add_model(), amount=1))
    pay(order)
    assert held.reached.wait(SECONDS)
    worker.kill()
    held.released.set()
    fleet.start_worker("second", queues="emails")
    [licence] = licences()
    send_license_email.delay(license_id=licence.id).get(timeout=SECONDS)
    fleet.wait_until_all_ended(seconds=SECONDS)
    subjects = [mail["Subject"] for mail in smtp.mails]
    assert len(subjects) == len(set(subjects)), "neither came twice"
    with reading() as session:
        keys = {f"licence:{licence.id}", f"order-confirmation:{order.id}"}
        assert {one.key for one in session.scalars(select(Delivery))} == keys


def test_what_is_not_to_be_mailed_is_not(fleet: Fleet, smtp: MailServer) -> None:
    fleet.start_worker(queues="emails")
    unpaid = ordered()
    refused: list[tuple[Callable[[], object], str]] = [
        (lambda: send_order_confirmation.delay(order_id=unpaid.id).get(timeout=SECONDS), "is pending"),
        (lambda: send_order_confirmation.delay(order_id=4_711).get(timeout=SECONDS), "no order with the id"),
        (lambda: send_license_email.delay(license_id=4_711).get(timeout=SECONDS), "no licence with the id"),
    ]
    for send, sentence in refused:
        with pytest.raises(Exception, match=sentence):
            send()
    with transaction() as session:
        settling.record(session, order_id=unpaid.id, money=market.money(unpaid), now=NOW)
        settling.refund(session, order_id=unpaid.id, now=NOW)
    nothing = {"delivery_id": None}
    assert send_order_confirmation.delay(order_id=unpaid.id).get(timeout=SECONDS) == nothing
    assert send_license_email.delay(license_id=licences()[0].id).get(timeout=SECONDS) == nothing
    assert smtp.mails == []


def everything_stored(redis_server: RedisServer) -> str:
    """Every row of every table as it lies there, and every value of Redis."""
    with reading() as session:
        rows = []
        for table in Base.metadata.sorted_tables:
            # What is encrypted is read as it is stored.
            raw = session.connection().exec_driver_sql(f'SELECT * FROM "{table.name}"')
            rows += [str(row) for row in raw]
    client = redis_server.client()
    return "\n".join([*rows, *(str(client.dump(key)) for key in client.scan_iter())])


def test_a_key_is_nowhere_but_in_its_mail(
    fleet: Fleet, smtp: MailServer, redis_server: RedisServer, capfd: pytest.CaptureFixture[str]
) -> None:
    held = smtp.hold()
    worker = fleet.start_worker(queues="emails")
    pay(place(add_user(), add_tier(add_model(), amount=1)))
    [licence] = licences()
    assert held.reached.wait(SECONDS)
    assert licence.key not in everything_stored(redis_server), "while mails are under way"
    held.released.set()
    wait_until(lambda: len(smtp.mails) == 2, seconds=SECONDS, what="the mails arrive")
    fleet.wait_until_all_ended(seconds=SECONDS)
    assert licence.key in "".join(str(mail) for mail in smtp.mails)
    assert licence.key not in everything_stored(redis_server)
    with reading() as session:
        sealed = session.scalars(select(Delivery).where(Delivery.key == f"licence:{licence.id}")).one()
        assert sealed.content["text"] == sealed.content["html"] == "***", "what was sealed is not kept"
    worker.stop()
    assert licence.key not in worker.log.read_text() + "".join(capfd.readouterr())

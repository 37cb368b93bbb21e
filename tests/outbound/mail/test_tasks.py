"""The tasks of mail, run by real workers against a mail server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.db.clock import clock, now
from app.db.sessions import reading, transaction
from app.jobs.ledger.models import Job, State
from app.outbound.deliveries.models import Delivery, DeliveryState
from app.outbound.deliveries.settling import Settlement, settle
from app.outbound.mail import service, suppression
from app.outbound.mail.message import Message
from app.outbound.mail.tasks import deliver_mail, send_email, send_email_task
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.aws import AwsServer
    from tests.fakes.smtp import MailServer
    from tests.fleet import Fleet

pytestmark = pytest.mark.databases("postgresql")

SECONDS = 60
QUEUES = "emails"
MAIL = {"to_addresses": ["ann@example.org"], "subject": "Hello", "body_text": "Hi\n"}


def state_of(job_id: str) -> State:
    with reading() as session:
        return State(session.get_one(Job, job_id).state)


def wait_for(job_id: str, state: State) -> None:
    wait_until(lambda: state_of(job_id) == state, seconds=SECONDS, what=f"the job is {state}")


def the_delivery() -> Delivery:
    with reading() as session:
        return session.query(Delivery).one()


def test_a_mail_is_sent_and_said_to_be(smtp: MailServer, fleet: Fleet) -> None:
    fleet.start_worker(queues=QUEUES)
    sent = send_email.delay(**MAIL, body_html="<p>Hi</p>").get(timeout=SECONDS)
    (mail,) = smtp.mails
    assert (mail["To"], mail["Subject"]) == ("ann@example.org", "Hello")
    assert sent == {
        "status": "sent",
        "message_id": mail["Message-ID"],
        "delivery_id": the_delivery().id,
        "problem": None,
    }


def test_addresses_in_all_scripts_get_their_mail_and_one_that_cannot_does_not_stop_the_others(
    smtp: MailServer, fleet: Fleet
) -> None:
    fleet.start_worker(queues=QUEUES)
    to = ["info@müller.example", "ann@example.org"]
    assert send_email.delay(**MAIL | {"to_addresses": to}).get(timeout=SECONDS)["problem"] is None
    # As a release that took such addresses left it.
    message = Message(key="old", to=("用户@例え.jp", *to), subject="Hello", text="Hi\n")
    with transaction() as session:
        delivery_id = service.prepare_mail(session, message).id
        job = deliver_mail.delay(delivery_id=delivery_id)
    assert "SMTPUTF8" in job.get(timeout=SECONDS)["problem"]
    receivers = ["info@xn--mller-kva.example", "ann@example.org"]
    assert [(receivers, ", ".join(receivers))] * 2 == [
        (envelope, str(mail["To"])) for (envelope, _), mail in zip(smtp.envelopes, smtp.mails, strict=True)
    ]


def test_who_was_busy_gets_the_mail_later_and_nobody_gets_it_twice(smtp: MailServer, fleet: Fleet) -> None:
    smtp.answers += [("RCPT", "452 mailbox full")]
    fleet.start_beat()
    fleet.start_worker(queues=QUEUES)
    job_id = send_email.delay(**MAIL | {"to_addresses": ["ann@example.org", "bob@example.org"]}).id
    wait_until(lambda: len(smtp.mails) == 1, seconds=SECONDS, what="the first mail is sent")
    wait_for(job_id, State.SCHEDULED)
    with transaction() as session:
        session.query(Job).update({"run_at": clock()})
    wait_for(job_id, State.DONE)
    assert [receivers for receivers, _ in smtp.envelopes] == [["bob@example.org"], ["ann@example.org"]]


def test_one_key_is_one_mail_whoever_asks(smtp: MailServer, fleet: Fleet) -> None:
    fleet.start_worker(queues=QUEUES)
    first, again = (send_email.delay(**MAIL, key="rent-2026-02").get(timeout=SECONDS) for _ in range(2))
    assert first == again
    assert len(smtp.mails) == 1


def test_a_mail_to_one_is_a_mail_and_one_key_is_one_mail_of_either_task(
    smtp: MailServer, fleet: Fleet
) -> None:
    fleet.start_worker(queues=QUEUES)
    sent = send_email_task.delay("ann@example.org", "Hello", "Hi\n", key="rent").get(timeout=SECONDS)
    assert send_email.delay(**MAIL, key="rent").get(timeout=SECONDS) == sent
    (mail,) = smtp.mails
    assert (mail["To"], mail["Subject"]) == ("ann@example.org", "Hello")
    assert mail.get_content().splitlines() == ["Hi"]


def test_a_worker_that_dies_after_the_mail_left_does_not_send_it_twice(
    smtp: MailServer, fleet: Fleet
) -> None:
    held = smtp.hold()
    fleet.start_beat()
    worker = fleet.start_worker("first", queues=QUEUES)
    job_id = send_email.delay(**MAIL).id
    assert held.reached.wait(SECONDS)
    worker.kill()
    held.released.set()
    fleet.start_worker("second", queues=QUEUES)
    wait_for(job_id, State.DEAD)
    assert len(smtp.mails) == 1
    assert the_delivery().state == DeliveryState.UNCERTAIN
    with transaction() as session:
        settle(session, delivery_id=the_delivery().id, how=Settlement.SENT)
    assert the_delivery().state == DeliveryState.SENT


def test_where_a_second_mail_is_better_than_none_it_is_sent_again(
    smtp: MailServer, configure: Callable[..., None], fleet: Fleet
) -> None:
    configure(mail_uncertain="send")
    held = smtp.hold()
    fleet.start_beat()
    worker = fleet.start_worker("first", queues=QUEUES)
    job_id = send_email.delay(**MAIL).id
    assert held.reached.wait(SECONDS)
    worker.kill()
    held.released.set()
    fleet.start_worker("second", queues=QUEUES)
    wait_for(job_id, State.DONE)
    assert [mail["Message-ID"] for mail in smtp.mails] == [the_delivery().provider_id] * 2


def test_a_refused_mail_is_a_dead_job_and_can_be_tried_again(smtp: MailServer, fleet: Fleet) -> None:
    smtp.answers.append(("RCPT", "550 5.1.1 no such mailbox"))
    fleet.start_worker(queues=QUEUES)
    with pytest.raises(Exception, match=r"refuses ann@example\.org: 550"):
        send_email.delay(**MAIL).get(timeout=SECONDS)
    assert the_delivery().state == DeliveryState.FAILED
    assert smtp.mails == []


def test_a_throttled_mail_goes_out_later(ses: AwsServer, fleet: Fleet) -> None:
    from tests.fakes.aws import Fault

    ses.faults.append(Fault(status=429, code="TooManyRequestsException"))
    fleet.start_worker(queues=QUEUES)
    job_id = send_email.delay(**MAIL).id
    wait_for(job_id, State.SCHEDULED)
    assert (the_delivery().state, ses.mails()) == (DeliveryState.WAITING, [])
    with transaction() as session:
        session.get_one(Job, job_id).run_at = now(session)
    fleet.start_beat()
    wait_for(job_id, State.DONE)
    assert len(ses.mails()) == 1


def test_a_suppressed_address_gets_nothing_and_the_others_do(smtp: MailServer, fleet: Fleet) -> None:
    with transaction() as session:
        suppression.suppress(session, address="Ann@example.org", reason="gone")
    fleet.start_worker(queues=QUEUES)
    both = {**MAIL, "to_addresses": ["ann@example.org", "bob@example.org"]}
    assert send_email.delay(**both).get(timeout=SECONDS)["status"] == "sent"
    assert send_email.delay(**MAIL).get(timeout=SECONDS)["status"] == "suppressed"
    assert [mail["To"] for mail in smtp.mails] == ["bob@example.org"]


def test_a_mail_of_a_template_is_queued_with_what_it_is_about(smtp: MailServer, fleet: Fleet) -> None:
    def queue() -> int:
        with transaction() as session:
            return service.queue_mail(
                session,
                key="hello",
                to=["ann@example.org"],
                template="accounts/welcome",
                context={"name": "Ann", "email": "ann@example.org"},
            )

    fleet.start_worker(queues=QUEUES)
    assert queue() == queue()
    wait_until(lambda: the_delivery().state == DeliveryState.SENT, seconds=SECONDS, what="the mail is sent")
    assert [mail["Subject"] for mail in smtp.mails] == ["Welcome, Ann"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": "Hi\nBcc: x@y.org"},
        {"to_addresses": []},
        {"to_addresses": ["ann"]},
        {"to_addresses": ["用户@例え.jp"]},
        {"body_text": None},
    ],
)
def test_what_is_no_mail_is_refused_before_anything_is_sent(
    smtp: MailServer, fleet: Fleet, wrong: dict[str, object]
) -> None:
    fleet.start_worker(queues=QUEUES)
    with pytest.raises(Exception, match="cannot take these arguments"):
        send_email.delay(**(MAIL | wrong)).get(timeout=SECONDS)
    assert smtp.mails == []

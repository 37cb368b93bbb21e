"""The tasks of notifications, run by real workers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.db.clock import now
from app.db.sessions import reading, transaction
from app.domains.notifications.tasks import deliver_push, send_notification
from app.jobs.declaration.registry import tasks as declared
from app.jobs.ledger.models import Job, State
from app.outbound.deliveries.models import Delivery, DeliveryState
from app.topology import Queue
from tests.domains.notifications import people
from tests.fakes.fcm import problem
from tests.servers import wait_until

if TYPE_CHECKING:
    from tests.fakes.fcm import FcmServer
    from tests.fakes.smtp import MailServer
    from tests.fleet import Fleet

pytestmark = pytest.mark.databases("postgresql")

SECONDS = 60
ALL_QUEUES = ",".join(Queue)
GREETING = {"type": "greeting", "title": "Hello", "message": "How are you?"}


def wait_until_all_is_done() -> None:
    def all_done() -> bool:
        with reading() as session:
            return set(session.scalars(select(Job.state))) == {State.DONE}

    wait_until(all_done, seconds=60, what="every job is done")


def count_notifications() -> int:
    return len(people.notifications())


def wait_for_more(number: int, *, of: int) -> None:
    wanted = min(count_notifications() + number, of)
    wait_until(lambda: count_notifications() >= wanted, seconds=SECONDS, what=f"{wanted} are told")


def test_each_task_waits_in_the_queue_of_notifications() -> None:
    mine = {
        name: spec
        for name, spec in declared().items()
        if spec.body.__module__.startswith("app.domains.notifications.")
    }
    assert {name: spec.public for name, spec in mine.items()} == {
        "notifications.deliver_email": False,
        "notifications.deliver_push": False,
        "notifications.encrypt_addresses": False,
        "notifications.send_notification": True,
    }
    assert mine.pop("notifications.encrypt_addresses").queue == Queue.MAINTENANCE
    assert {spec.queue for spec in mine.values()} == {Queue.NOTIFICATIONS}


def test_a_notification_reaches_inbox_mailbox_and_phone(
    smtp: MailServer, fcm: FcmServer, fleet: Fleet
) -> None:
    user = people.add_user(channels={"greeting": ["email", "push", "in_app"]})
    people.add_device(user)
    fleet.start_worker(queues=ALL_QUEUES)
    sent = send_notification.delay(user, **GREETING, channels=["email", "push", "in_app"])
    told = sent.get(timeout=SECONDS)["notification_id"]
    wait_until_all_is_done()
    assert people.states(told) == {"email": "sent", "push": "sent", "in_app": "sent"}
    [mail], [message] = smtp.mails, fcm.messages
    assert mail["Subject"] == "Hello"
    assert message["data"] == {"notification_id": str(told)}


def test_a_job_that_is_run_twice_tells_once(smtp: MailServer, fleet: Fleet) -> None:
    user = people.add_user()
    fleet.start_worker(queues=ALL_QUEUES)
    job_id = send_notification.delay(user, **GREETING).id
    wait_until_all_is_done()
    with transaction() as session:
        # As if its finish had been lost: the job begins anew.
        job = session.get_one(Job, job_id)
        job.state, job.published_at = State.READY, None
    fleet.start_beat()
    wait_until_all_is_done()
    with reading() as session:
        assert session.get_one(Job, job_id).fence == 2
    assert count_notifications() == 1
    assert len(smtp.mails) == 1


def test_a_message_needs_no_more_than_a_user_and_what_it_says(smtp: MailServer, fleet: Fleet) -> None:
    user = people.add_user()
    fleet.start_worker(queues=ALL_QUEUES)
    told = send_notification.delay(user, "日本語: the rent is due").get(timeout=SECONDS)["notification_id"]
    wait_until_all_is_done()
    assert people.states(told) == {"email": "sent", "in_app": "sent"}
    assert "日本語: the rent is due" in smtp.mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_a_message_to_nobody_is_a_dead_job_with_the_reason(fleet: Fleet) -> None:
    fleet.start_worker(queues=ALL_QUEUES)
    with pytest.raises(Exception, match="4711"):
        send_notification.delay(4711, "Hello").get(timeout=SECONDS)


def test_one_key_is_one_notification_whoever_asks(fleet: Fleet) -> None:
    user = people.add_user()
    fleet.start_worker(queues=ALL_QUEUES)
    first, again = (
        send_notification.delay(user, **GREETING, key="hello").get(timeout=SECONDS) for _ in range(2)
    )
    assert first == again
    assert send_notification.delay(user, **GREETING).get(timeout=SECONDS) != first


def test_workers_that_die_in_the_middle_tell_nobody_twice(fleet: Fleet) -> None:
    user = people.add_user()
    with transaction():
        jobs = [send_notification.delay(user, **GREETING).id for _ in range(100)]
    fleet.start_beat()
    for number in range(2):
        worker = fleet.start_worker(f"worker{number}", queues=Queue.NOTIFICATIONS)
        wait_for_more(25, of=100)
        worker.kill()
    fleet.start_worker("last", queues=Queue.NOTIFICATIONS)

    def handed_on() -> bool:
        done = {job.id for job in people.jobs_of("notifications.deliver_email") if job.state == State.DONE}
        return len(done) == 100

    wait_until(handed_on, seconds=90, what="every mail is handed on")
    assert sorted(one.key for one in people.notifications()) == sorted(f"job:{job}" for job in jobs)
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Delivery)) == 100


def test_a_worker_that_dies_while_a_phone_is_reached_leaves_one_notification(
    fcm: FcmServer, fleet: Fleet
) -> None:
    user = people.add_user(channels={"greeting": ["push", "in_app"]})
    people.add_device(user)
    held = fcm.hold()
    fleet.start_beat()
    worker = fleet.start_worker("first", queues=ALL_QUEUES)
    send_notification.delay(user, **GREETING, channels=["push", "in_app"])
    assert held.reached.wait(SECONDS)
    worker.kill()
    held.released.set()
    fleet.start_worker("second", queues=ALL_QUEUES)
    wait_until_all_is_done()
    [notification] = people.notifications()
    assert people.states(notification.id) == {"push": "sent", "in_app": "sent"}
    with reading() as session:
        delivery = session.scalars(select(Delivery)).one()
    # A phone that rings twice is the lesser harm; which notification it is, its id says both times.
    assert (delivery.state, delivery.calls, len(fcm.messages)) == (DeliveryState.SENT, 2, 2)
    assert fcm.messages[0] == fcm.messages[1]


def test_a_channel_that_fails_is_repeated_and_the_others_are_left_alone(
    smtp: MailServer, fcm: FcmServer, fleet: Fleet
) -> None:
    user = people.add_user(channels={"greeting": ["email", "push", "in_app"]})
    people.add_device(user)
    fcm.answers = [problem(503, "UNAVAILABLE"), problem(503, "UNAVAILABLE")]
    fleet.start_beat()
    fleet.start_worker(queues=ALL_QUEUES)
    sent = send_notification.delay(user, **GREETING, channels=["email", "push", "in_app"])
    told = sent.get(timeout=SECONDS)["notification_id"]

    def hurry(attempt: int) -> bool:
        """Have the push tried again at once, after that attempt."""
        with transaction() as session:
            [job] = session.scalars(select(Job).where(Job.task == deliver_push.name)).all()
            if job.state != State.SCHEDULED or job.attempt != attempt:
                return False
            job.run_at = now(session)
            return True

    for attempt in (1, 2):
        wait_until(partial(hurry, attempt), seconds=SECONDS, what="the push is to be repeated")
    wait_until_all_is_done()
    assert people.states(told) == {"email": "sent", "push": "sent", "in_app": "sent"}
    assert (len(smtp.mails), len(fcm.messages)) == (1, 1)
    attempts = {job.task: job.attempt for job in people.jobs_of("notifications.deliver_email")}
    assert attempts == {"notifications.deliver_email": 1}


def test_an_unknown_user_makes_the_job_dead_with_a_sentence(fleet: Fleet) -> None:
    fleet.start_worker(queues=ALL_QUEUES)
    job_id = send_notification.delay(4711, **GREETING).id

    def job() -> Job:
        with reading() as session:
            return session.get_one(Job, job_id)

    wait_until(lambda: job().state == State.DEAD, seconds=SECONDS, what="the job is dead")
    assert "There is no user with the id 4711." in (job().error or "")
    assert job().attempt == 1


@pytest.mark.parametrize("wrong", [{"channels": ["fax"]}, {"title": ""}, {"user_id": 0}])
def test_what_cannot_be_told_is_refused(fleet: Fleet, wrong: dict[str, object]) -> None:
    fleet.start_worker(queues=ALL_QUEUES)
    arguments = {"user_id": 1, **GREETING} | wrong
    with pytest.raises(Exception, match="cannot take these arguments"):
        send_notification.delay(**arguments).get(timeout=SECONDS)
    assert count_notifications() == 0

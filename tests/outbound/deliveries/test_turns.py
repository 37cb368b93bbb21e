"""All workers together stay below a provider's limit, and what waits for its turn occupies no process."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from app.db.clock import clock
from app.db.sessions import reading, transaction
from app.jobs.declaration import partitions
from app.jobs.ledger import store
from app.jobs.ledger.models import Job, State, Turn
from app.jobs.publish import admission
from app.jobs.service import detail_of
from app.outbound.deliveries import turns
from app.outbound.deliveries.models import Delivery, DeliveryState
from app.outbound.mail.tasks import send_email
from tests.jobs.running import attempts_of, ended, job_of, jobs_named
from tests.sample import tasks
from tests.servers import stretched, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from tests.fleet import Fleet

MAIL = {"to_addresses": ["ann@example.org"], "subject": "Hello", "body_text": "Hi\n"}
QUEUES = "emails,default"
KEY = partitions.paced("shop", per_minute=1)


def sent_at() -> list[float]:
    with reading() as session:
        moments = session.scalars(select(Delivery.sent_at).where(Delivery.state == DeliveryState.SENT))
        return sorted(moment.timestamp() for moment in moments if moment)


def test_over_two_workers_no_more_mails_go_out_than_the_provider_takes(
    fleet: Fleet, configure: Callable[..., None]
) -> None:
    configure(mail_transport="file", mail_per_minute=600)
    for name in ("first", "second"):
        fleet.start_worker(name, queues=QUEUES)
    fleet.start_beat()
    ids = [send_email.delay(**MAIL).id for _ in range(25)]
    assert {ended(job_id).state for job_id in ids} == {State.DONE}
    moments = sent_at()
    assert len(moments) == len(ids)
    # A turn is that of the attempt, whose mail goes out a moment later.
    for first, later in zip(moments, moments[12:], strict=False):
        assert later - first > 0.9


def test_a_mail_goes_out_at_once_where_nobody_waits(fleet: Fleet, configure: Callable[..., None]) -> None:
    configure(mail_transport="file", mail_per_minute=600)
    fleet.start_worker(queues=QUEUES)
    ids = [send_email.delay(**MAIL).id for _ in range(2)]
    assert {ended(job_id).state for job_id in ids} == {State.DONE}
    assert [attempts_of(job_id) for job_id in ids] == [[], []], "neither went back for its turn"


def test_many_who_take_turns_at_once_get_no_more_than_there_are(database: Engine) -> None:
    barrier = threading.Barrier(6)

    def take(_: int) -> int:
        barrier.wait()
        try:
            return sum(admission.take_free(KEY) for _ in range(5))
        finally:
            store.close()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(take, range(6))) == 1
    assert admission.take_free(partitions.paced("other", per_minute=1)), "each name has its own turns"


def test_a_turn_is_free_again_when_its_window_is_over_and_nothing_of_it_is_left(database: Engine) -> None:
    assert admission.take_free(KEY)
    taken(ago=59)
    assert not admission.take_free(KEY)
    taken(ago=61)
    assert admission.take_free(KEY)
    assert len(taken()) == 1


def test_nobody_overtakes_those_who_wait(database: Engine) -> None:
    job_id = tasks.add.delay(1, 2).id
    with transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(partition=KEY, published_at=None))
    assert not admission.take_free(KEY)
    admission.admit_now([KEY])
    assert job_of(job_id).published_at, "it was its turn all along"
    assert not admission.take_free(KEY), "and it has the only one"


def test_who_asks_outside_of_a_job_never_waits_and_those_who_wait_do_so_longer(database: Engine) -> None:
    for _ in range(20):
        turns.take("shop", per_minute=1)
    assert len(taken()) == 20
    job_id = tasks.add.delay(1, 2).id
    with transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(partition=KEY, published_at=None))
    admission.admit_now([KEY])
    assert not job_of(job_id).published_at
    taken(ago=61)
    admission.admit_now([KEY])
    assert job_of(job_id).published_at


def taken(*, ago: float | None = None) -> list[Turn]:
    """The turns that are counted, after each was taken so many seconds ago."""
    with transaction() as session:
        if ago is not None:
            session.execute(update(Turn).values(taken_at=clock(-ago)))
        return list(session.scalars(select(Turn)))


def test_mails_that_wait_for_their_turn_hold_up_no_other_job(
    fleet: Fleet, configure: Callable[..., None]
) -> None:
    configure(mail_transport="file", mail_per_minute=1)
    fleet.start_worker(queues=QUEUES, processes=1)
    fleet.start_beat()
    ids = [send_email.delay(**MAIL).id for _ in range(20)]
    ended(ids[0])
    plain = ended(tasks.add.delay(1, 2).id)
    assert plain.finished_at
    assert plain.finished_at - plain.accepted_at < timedelta(seconds=stretched(5))
    wait_until(lambda: len(_held()) == 19, seconds=20, what="the others wait in the ledger")
    with reading() as session:
        assert "No more than 1/m may begin" in str(detail_of(session, job_id=ids[-1]).waits_for)


def _held() -> list[Job]:
    waiting = [job for job in jobs_named(send_email.name) if job.state == State.READY]
    assert all(job.attempt == 0 for job in waiting), "nobody failed"
    return [job for job in waiting if job.published_at is None]

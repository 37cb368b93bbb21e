"""All workers together stay below a provider's limit, and what waits for its turn occupies no process."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.db.sessions import reading
from app.jobs.ledger.models import Job, State
from app.jobs.service import detail_of
from app.outbound.deliveries.models import Delivery, DeliveryState
from app.outbound.mail.tasks import send_email
from tests.jobs.running import ended, jobs_named
from tests.sample import tasks
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fleet import Fleet

MAIL = {"to_addresses": ["ann@example.org"], "subject": "Hello", "body_text": "Hi\n"}
QUEUES = "emails,default"


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
    assert plain.finished_at - plain.accepted_at < timedelta(seconds=5)
    wait_until(lambda: len(_held()) == 19, seconds=20, what="the others wait in the ledger")
    with reading() as session:
        assert detail_of(session, job_id=ids[-1]).waits_for == "its turn: 1/m begin"


def _held() -> list[Job]:
    waiting = [job for job in jobs_named(send_email.name) if job.state == State.READY]
    assert all(job.attempt == 0 for job in waiting), "nobody failed"
    return [job for job in waiting if job.published_at is None]

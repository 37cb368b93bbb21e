"""Events become entries by real workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.domains.billing.time_capture.models import CapturedEvent
from app.domains.billing.time_capture.tasks import sync_time_entries_from_integrations
from app.jobs.declaration.registry import tasks as declared
from app.jobs.ledger.models import Job, State
from app.topology import Queue
from tests.domains.billing.time_capture import workplace
from tests.domains.billing.time_capture.calendars import diary
from tests.servers import wait_until

if TYPE_CHECKING:
    from tests.fleet import Fleet

pytestmark = pytest.mark.databases("postgresql")
SECONDS = 60
ALL_QUEUES = ",".join(Queue)


def job(job_id: str) -> Job:
    with reading() as session:
        return session.get_one(Job, job_id)


def wait_until_done(job_id: str) -> Job:
    wait_until(lambda: job(job_id).state == State.DONE, seconds=SECONDS, what="the job is done")
    return job(job_id)


def somebody_waits() -> bool:
    """Whether a transaction waits for another one."""
    with reading() as session:
        return bool(session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


def count() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(CapturedEvent)) or 0


def test_a_job_that_runs_twice_makes_one_entry_of_an_event(fleet: Fleet) -> None:
    calendar = diary.connect()
    calendar.event()
    fleet.start_worker(queues=ALL_QUEUES)
    job_id = sync_time_entries_from_integrations.delay().id
    assert (wait_until_done(job_id).result or {})["created"] == 1
    with transaction() as session:
        # As if its finish had been lost, and with it that the event was seen: the job begins anew.
        session.execute(update(Job).values(state=State.READY, published_at=None))
    calendar.tell(1)
    fleet.start_beat()
    wait_until(lambda: job(job_id).fence == 2, seconds=SECONDS, what="it runs again")
    assert (wait_until_done(job_id).result or {})["unchanged"] == 1
    assert len(diary.entries()) == 1


def test_a_job_whose_worker_dies_in_the_middle_makes_one_entry_of_each_event(fleet: Fleet) -> None:
    calendars = [diary.connect(account="me") for _ in range(3)]
    for calendar in calendars:
        calendar.event(event_id="standup")
    last = calendars[-1]
    first = fleet.start_worker("first", queues=ALL_QUEUES, processes=1)
    by_hand = last.place.work("2026-02-01 08:00", "2026-02-01 09:00")
    with Session(engine()) as blocker:
        # The job comes to the last event, and cannot go on until its worker is dead.
        blocker.add(
            CapturedEvent(
                entry_id=by_hand,
                user_id=last.user_id,
                calendar="google:me",
                event_id="standup",
                starts_at=workplace.MADE,
                ends_at=workplace.MADE,
                title="Other",
            )
        )
        blocker.flush()
        job_id = sync_time_entries_from_integrations.delay().id
        wait_until(somebody_waits, seconds=SECONDS, what="the job waits")
        first.kill()
        assert job(job_id).state == State.RUNNING
        assert count() == 2
        blocker.rollback()
    fleet.start_beat()
    fleet.start_worker("second", queues=ALL_QUEUES, processes=1)
    assert wait_until_done(job_id).fence > 1
    assert count() == 3
    assert len(diary.entries()) == 4


def test_it_runs_every_hour_after_the_calendars_were_read() -> None:
    spec = declared()["time_capture.sync_time_entries_from_integrations"]
    assert (spec.queue, spec.public) == (Queue.TIME_CAPTURE, True)
    assert spec.schedule is not None
    assert spec.schedule.describe() == "At minute 10 of every hour (UTC)"

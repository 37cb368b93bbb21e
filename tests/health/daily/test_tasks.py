"""Real workers send the daily mail, once, whatever becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, text

from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.health.daily.tasks import daily_mail
from app.jobs.declaration.registry import tasks
from app.jobs.ledger.models import Job, State
from app.outbound.deliveries.models import Delivery
from app.schedule.policies import Misfire
from tests.outbound.mail.conftest import smtp
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.smtp import MailServer
    from tests.fleet import Fleet

pytestmark = pytest.mark.databases("postgresql")

__all__ = ["smtp"]

SECONDS = 60
QUEUES = "maintenance,emails"
#: Of the lock that the test holds the insert up with.
LOCK = 4713
HOLD_UP = f"""
CREATE FUNCTION hold_up() RETURNS trigger AS $$
BEGIN PERFORM pg_advisory_xact_lock({LOCK}); RETURN NULL; END $$ LANGUAGE plpgsql;
CREATE TRIGGER hold_up AFTER INSERT ON delivery FOR EACH STATEMENT EXECUTE FUNCTION hold_up();
"""
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def test_a_beat_that_was_down_at_the_hour_has_it_sent_later_and_once() -> None:
    schedule = tasks()["health.daily_mail"].schedule
    assert schedule is not None
    assert schedule.policies.misfire is Misfire.ONCE
    assert schedule.policies.grace is not None
    assert schedule.policies.grace.total_seconds() == 12 * 3600


def test_it_runs_twice_and_is_one_mail(
    fleet: Fleet, smtp: MailServer, configure: Callable[..., None]
) -> None:
    configure(daily_mail="ops@example.org boss@example.org")
    fleet.start_worker(queues=QUEUES)
    for _ in range(2):
        assert daily_mail.delay().get(timeout=SECONDS)["ended"] == 0
    wait_until(lambda: smtp.mails, seconds=SECONDS, what="the mail is there")
    wait_until(is_over, seconds=SECONDS, what="all jobs have ended")
    (mail,) = smtp.mails
    assert mail["To"] == "ops@example.org, boss@example.org"
    assert "0 jobs ended" in mail["Subject"]
    assert mail.get_body(("html",)) is not None


def test_a_worker_that_is_killed_in_the_middle_leaves_one_mail(
    fleet: Fleet, smtp: MailServer, configure: Callable[..., None]
) -> None:
    configure(daily_mail="ops@example.org")
    with transaction() as session:
        session.execute(text(HOLD_UP))
    with engine().connect() as holder:
        holder.execute(text(f"SELECT pg_advisory_lock({LOCK})"))
        first = fleet.start_worker("first", queues=QUEUES, processes=1)
        daily_mail.delay()
        wait_until(is_held_up, seconds=SECONDS, what="the delivery is written, and not committed")
        first.kill()
        holder.execute(text(f"SELECT pg_advisory_unlock({LOCK})"))
    fleet.start_beat()
    fleet.start_worker("second", queues=QUEUES, processes=1)
    wait_until(lambda: smtp.mails, seconds=SECONDS, what="the mail is there")
    wait_until(is_over, seconds=SECONDS, what="all jobs have ended")
    assert len(smtp.mails) == 1
    with reading() as session:
        assert session.scalar(select(func.count(Delivery.id))) == 1


def is_held_up() -> bool:
    with reading() as session:
        return bool(session.scalar(text(WAITING)))


def is_over() -> bool:
    with reading() as session:
        states = set(session.scalars(select(Job.state)))
    return states == {State.DONE}

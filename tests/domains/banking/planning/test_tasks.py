"""Reminders and alerts, sent by real workers."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.db.sessions import reading
from app.domains.banking.models import Bill, Budget, Category, Transaction
from app.domains.banking.planning import alerts, reminders
from app.domains.banking.tasks import check_budget_alerts, send_bill_reminders
from app.domains.notifications.models import Notification
from app.jobs.ledger.models import Job, State
from app.topology import Queue
from tests.domains.banking import home
from tests.domains.notifications import people
from tests.outbound.mail.conftest import smtp
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.smtp import MailServer
    from tests.fleet import Fleet

pytestmark = pytest.mark.databases("postgresql")

__all__ = ["smtp"]
SECONDS = 60
ALL_QUEUES = ",".join(Queue)
#: Nine in Berlin, where members live unless a test says otherwise.
NINE = "2026-02-01T08:00:00Z"
TODAY = date(2026, 2, 1)


@pytest.fixture(autouse=True)
def nine_in_berlin(configure: Callable[..., None]) -> None:
    configure(pretend_now=NINE)


def job(job_id: str) -> Job:
    with reading() as session:
        return session.get_one(Job, job_id)


def count(task: str | None = None) -> int:
    """How many notifications there are, or jobs of a task."""
    with reading() as session:
        if task is None:
            return session.scalar(select(func.count()).select_from(Notification)) or 0
        return session.scalar(select(func.count()).select_from(Job).where(Job.task == task)) or 0


def add_bills(flat: home.Home, number: int) -> None:
    usual = {"household_id": flat.id, "amount": 100, "currency": "EUR", "autopay": False}
    rule = {"rule": "monthly", "due_day": 1, "next_due": TODAY}
    home.add_rows(Bill, [{"name": f"Bill {index}", **usual, **rule} for index in range(number)])


def add_spent_budgets(flat: home.Home, number: int) -> None:
    names = [f"Category {index}" for index in range(number)]
    home.add_rows(Category, [{"household_id": flat.id, "name": name} for name in names])
    with reading() as session:
        ids = session.scalars(select(Category.id).where(Category.household_id == flat.id)).all()
    limits = {"thresholds": [80, 100], "include_pending": True, "is_active": True}
    usual = {"household_id": flat.id, "period": "month", "amount": 100, "currency": "EUR"}
    home.add_rows(Budget, [{"category_id": id_, **usual, **limits} for id_ in ids])
    spent = {"amount": -90, "currency": "EUR", "posted_on": TODAY, "name": "Shop", "pending": False}
    home.add_rows(
        Transaction,
        [
            {"account_id": flat.account, "plaid_transaction_id": f"t-{id_}", "category_id": id_, **spent}
            for id_ in ids
        ],
    )


def test_a_reminder_arrives_in_inbox_and_mailbox_once_however_often_the_task_runs(
    smtp: MailServer, fleet: Fleet
) -> None:
    flat = home.move_in()
    flat.bill(TODAY)
    home.move_in(timezone="America/St_Johns").bill(TODAY)  # it is half past four in the morning there
    fleet.start_worker(queues=ALL_QUEUES)
    results = [send_bill_reminders.delay().get(timeout=SECONDS) for _ in range(2)]
    assert results == [{"due": 1, "sent": 1}, {"due": 1, "sent": 0}]
    wait_until(lambda: smtp.mails, seconds=SECONDS, what="the mail arrives")
    assert home.told() == [(flat.members[0], "Rent is due today")]
    [mail] = smtp.mails
    assert mail["Subject"] == "Rent is due today"
    text = mail.get_body(("plain",))
    assert text is not None
    assert "800.00 EUR for Rent of Home is due on 1 February 2026." in text.get_content()


def test_quiet_hours_hold_the_mail_back_until_they_end(smtp: MailServer, fleet: Fleet) -> None:
    flat = home.move_in(quiet_hours={"start": "20:00", "end": "10:30"})
    flat.bill(TODAY)
    fleet.start_worker(queues=ALL_QUEUES)
    send_bill_reminders.delay().get(timeout=SECONDS)
    [notification] = people.notifications()
    assert people.states(notification.id) == {"email": "waiting", "in_app": "sent"}
    [held] = people.jobs_of("notifications.deliver_email")
    assert held.state == State.SCHEDULED
    # An hour and a half of pretended time is as long by the ledger's clock.
    assert held.run_at is not None
    assert 5_300 < (held.run_at - held.accepted_at).total_seconds() <= 5_400


def test_a_worker_that_dies_among_the_reminders_reminds_nobody_twice(fleet: Fleet) -> None:
    flat = home.move_in()
    number = reminders.CHUNK * 4
    add_bills(flat, number)
    fleet.start_beat()
    worker = fleet.start_worker("first", queues=Queue.NOTIFICATIONS, processes=1)
    job_id = send_bill_reminders.delay().id
    wait_until(lambda: count() >= reminders.CHUNK, seconds=SECONDS, what="the first chunk is told")
    worker.kill()
    assert count() < number
    assert job(job_id).state == State.RUNNING
    fleet.start_worker("second", queues=Queue.NOTIFICATIONS)
    wait_until(lambda: job(job_id).state == State.DONE, seconds=SECONDS, what="the reminders are sent")
    assert job(job_id).fence == 2
    assert (job(job_id).result or {})["due"] == number
    assert (count(), count("notifications.deliver_email")) == (number, number)
    assert len({one.key for one in people.notifications()}) == number


def test_an_alert_arrives_once_however_often_the_task_runs(smtp: MailServer, fleet: Fleet) -> None:
    flat = home.move_in()
    flat.budget(10_000)
    flat.spend(8_500, on=TODAY)
    fleet.start_worker(queues=ALL_QUEUES)
    results = [check_budget_alerts.delay().get(timeout=SECONDS) for _ in range(2)]
    assert results == [{"checked": 1, "sent": 1}, {"checked": 1, "sent": 0}]
    wait_until(lambda: smtp.mails, seconds=SECONDS, what="the mail arrives")
    assert [mail["Subject"] for mail in smtp.mails] == ["80 % of the budget for Food is spent"]
    assert home.told() == [(flat.members[0], "80 % of the budget for Food is spent")]


def test_one_household_is_checked_on_demand(fleet: Fleet) -> None:
    flat, other = home.move_in(), home.move_in()
    for one in (flat, other):
        one.budget(10_000)
        one.spend(8_500, on=TODAY)
    fleet.start_worker(queues=ALL_QUEUES)
    result = check_budget_alerts.delay(household_id=other.id).get(timeout=SECONDS)
    assert result == {"checked": 1, "sent": 1}
    assert {user for user, _ in home.told()} == {other.members[0]}


def test_a_worker_that_dies_among_the_alerts_alerts_nobody_twice(fleet: Fleet) -> None:
    number = alerts.CHUNK * 5
    add_spent_budgets(home.move_in(), number)
    fleet.start_beat()
    worker = fleet.start_worker("first", queues=Queue.NOTIFICATIONS, processes=1)
    job_id = check_budget_alerts.delay().id
    wait_until(count, seconds=SECONDS, what="the first chunk is told")
    worker.kill()
    assert count() < number
    assert job(job_id).state == State.RUNNING
    fleet.start_worker("second", queues=Queue.NOTIFICATIONS)
    wait_until(lambda: job(job_id).state == State.DONE, seconds=SECONDS, what="the alerts are sent")
    assert job(job_id).fence == 2
    assert (job(job_id).result or {})["checked"] == number
    assert (count(), count("notifications.deliver_email")) == (number, number)
    assert len({one.key for one in people.notifications()}) == number

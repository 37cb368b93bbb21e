"""The tasks of time capture and of summaries, run by real workers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.domains.billing.models import Role, TenantMember
from app.domains.billing.summaries.tasks import send_daily_email_summaries, send_weekly_invoice_summary
from app.domains.billing.time_capture.models import DailySummary, EntryIssue, TimeEntry
from app.domains.billing.time_capture.tasks import (
    aggregate_daily_time_entries,
    send_time_entry_reminders,
    validate_time_entries,
)
from app.domains.notifications.models import Notification
from app.jobs.declaration.registry import tasks as declared
from app.jobs.ledger.models import Job, State
from app.outbound.deliveries.models import Delivery
from app.topology import Queue
from tests.domains.billing.summaries.test_weekly import invoice
from tests.domains.billing.time_capture import workplace
from tests.domains.notifications import people
from tests.outbound.mail.conftest import smtp
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.jobs.celery.task import JobTask
    from tests.domains.billing.time_capture.workplace import Workplace
    from tests.fakes.smtp import MailServer
    from tests.fleet import Fleet

pytestmark = pytest.mark.databases("postgresql")

__all__ = ["smtp"]
SECONDS = 60
ALL_QUEUES = ",".join(Queue)
#: Half past five in Berlin, on Monday, 2 February 2026.
EVENING = "2026-02-02T16:30:00Z"
#: More than any task has in one transaction.
CROWD = 130


@pytest.fixture(autouse=True)
def evening(configure: Callable[..., None]) -> None:
    configure(pretend_now=EVENING)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A task, and what it does to each of a crowd."""

    task: JobTask
    arguments: tuple[Any, ...] = ()
    #: How many effects it had.
    count: Select[int]
    #: The effect on a user, as another transaction would have it.
    effect: Callable[[Workplace, int], Any]


def summary(place: Workplace, user_id: int) -> DailySummary:
    return DailySummary(
        user_id=user_id,
        tenant_id=place.id,
        day=date(2026, 2, 1),
        entries=9,
        seconds=9,
        billable_seconds=9,
        gap_seconds=9,
        made_at=workplace.MADE,
    )


def issue(_place: Workplace, user_id: int) -> EntryIssue:
    with reading() as session:
        entry = session.scalars(select(func.max(TimeEntry.id)).where(TimeEntry.user_id == user_id)).one()
    return EntryIssue(entry_id=entry, kind="too_long", key="", sentence="Other", opened_at=workplace.MADE)


def telling(task: JobTask, *arguments: Any, key: str) -> Case:
    """A task that tells a user something under a key."""

    def notification(_place: Workplace, user_id: int) -> Notification:
        return Notification(
            key=key.format(user_id),
            user_id=user_id,
            type="other",
            title="Other",
            body="Other",
            data={},
            in_inbox=True,
            created_at=workplace.MADE,
        )

    told = select(func.count()).where(Notification.key.like(key.format("%")))
    return Case(task=task, arguments=arguments, count=told, effect=notification)


CASES = (
    Case(
        task=aggregate_daily_time_entries,
        count=select(func.count()).select_from(DailySummary),
        effect=summary,
    ),
    Case(task=validate_time_entries, count=select(func.count()).select_from(EntryIssue), effect=issue),
    telling(
        send_time_entry_reminders,
        "missing_entries",
        key="time-entry-reminder:missing_entries:{}:2026-01-30",
    ),
    telling(send_daily_email_summaries, key="daily-summary:{}:2026-02-02"),
    telling(send_weekly_invoice_summary, key="weekly-invoice-summary:{}:2026-01-26"),
)


def crowd(number: int) -> Workplace:
    """Admins who worked an hour yesterday, and nine today, with nothing on Friday and an invoice."""
    types = ("time_entry_reminder", "daily_summary", "weekly_invoice_summary")
    quiet = {type_: ["in_app"] for type_ in types}
    place = workplace.found_tenant(channels=quiet)
    for _ in range(number - 1):
        place.join(channels=quiet)
    with transaction() as session:
        session.execute(update(TenantMember).values(role=Role.ADMIN))
    for start, end in (("2026-02-01 08:00", "2026-02-01 09:00"), ("2026-02-02 06:00", "2026-02-02 15:00")):
        workplace.add_entries([place.entry(start, end, user_id=user_id) for user_id in place.members])
    invoice(place)
    return place


def job(job_id: str) -> Job:
    with reading() as session:
        return session.get_one(Job, job_id)


def wait_until_done(job_ids: Sequence[str]) -> None:
    def done() -> bool:
        return {job(job_id).state for job_id in job_ids} == {State.DONE}

    wait_until(done, seconds=SECONDS, what="the jobs are done")


def send_all() -> list[str]:
    """A job of each task."""
    return [case.task.delay(*case.arguments).id for case in CASES]


def effects() -> list[int]:
    """How many effects each task has had."""
    with reading() as session:
        return [session.scalar(case.count) or 0 for case in CASES]


def test_tasks_that_run_twice_have_one_effect_on_each(fleet: Fleet) -> None:
    crowd(3)
    fleet.start_worker(queues=ALL_QUEUES)
    job_ids = send_all()
    wait_until_done(job_ids)
    assert effects() == [3] * len(CASES)
    with transaction() as session:
        # As if their finish had been lost: the jobs begin anew.
        session.execute(update(Job).values(state=State.READY, published_at=None))
    fleet.start_beat()
    wait_until(lambda: {job(one).fence for one in job_ids} == {2}, seconds=SECONDS, what="they run again")
    wait_until_done([*job_ids, *send_all()])
    assert effects() == [3] * len(CASES)


def test_tasks_whose_worker_dies_in_the_middle_have_one_effect_on_each(fleet: Fleet) -> None:
    place = crowd(CROWD)
    first = fleet.start_worker("first", queues=ALL_QUEUES, processes=len(CASES))
    with Session(engine()) as blocker:
        # Each task comes to the last of them, and cannot go on until its worker is dead.
        blocker.add_all(case.effect(place, place.members[-1]) for case in CASES)
        blocker.flush()
        job_ids = send_all()
        wait_until(lambda: all(effects()), seconds=SECONDS, what="each task had effects on some")
        first.kill()
        # Not all where the machine is slow: what waited too long for the last of them is retried later.
        assert State.RUNNING in {job(one).state for one in job_ids}
        assert max(effects()) < CROWD
        blocker.rollback()
    fleet.start_beat()
    fleet.start_worker("second", queues=ALL_QUEUES)
    wait_until_done(job_ids)
    assert min(job(one).fence for one in job_ids) > 1
    assert effects() == [CROWD] * len(CASES)
    assert len(people.notifications()) == 3 * CROWD


def test_a_reminder_arrives_as_one_mail_however_often_the_task_runs(smtp: MailServer, fleet: Fleet) -> None:
    place = workplace.found_tenant(name="日本 <script>")
    place.work("2026-02-02 08:00", "2026-02-02 09:00")
    fleet.start_worker(queues=ALL_QUEUES)
    results = [send_daily_email_summaries.delay().get(timeout=SECONDS) for _ in range(2)]
    assert results == [{"looked_at": 1, "sent": 1}, {"looked_at": 0, "sent": 0}]
    wait_until(lambda: smtp.mails, seconds=SECONDS, what="the mail arrives")
    [mail] = smtp.mails
    assert mail["Subject"] == "Your day: 1 h 00 min"
    plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert "- 日本 <script>: 1 h 00 min" in plain.get_content()
    assert "<script>" not in rich.get_content()
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Delivery)) == 1


def test_an_entry_that_cannot_be_read_is_named_in_the_result(fleet: Fleet) -> None:
    place = workplace.found_tenant()
    bad = place.work("2026-02-01 08:00", "2026-02-01 09:00", timezone="Nowhere/Else")
    fleet.start_worker(queues=ALL_QUEUES)
    for task in (aggregate_daily_time_entries, validate_time_entries):
        result = task.delay().get(timeout=SECONDS)
        assert (result["users"], result["set_aside"]) == (1, 1)
        assert result["named"][0].startswith(f"Entry {bad} is set aside: ")


def test_a_day_and_a_user_can_be_named(fleet: Fleet) -> None:
    place = workplace.found_tenant()
    place.work("2020-02-29 08:00", "2020-02-29 09:00")
    fleet.start_worker(queues=ALL_QUEUES)
    assert aggregate_daily_time_entries.delay(date="2020-02-29").get(timeout=SECONDS)["written"] == 1
    assert validate_time_entries.delay(user_id=place.members[0]).get(timeout=SECONDS)["users"] == 1


REFUSED: tuple[tuple[JobTask, dict[str, Any], str], ...] = (
    (aggregate_daily_time_entries, {"date": "0001-01-01"}, "1970"),
    (aggregate_daily_time_entries, {"date": "2026-02-30"}, "cannot take these arguments"),
    (aggregate_daily_time_entries, {"date": "yesterday\u202e"}, "cannot take these arguments"),
    (validate_time_entries, {"user_id": 4711}, "no user with the id 4711"),
    (validate_time_entries, {"user_id": 2**63}, "cannot take these arguments"),
    (send_time_entry_reminders, {"type": "birthday"}, "cannot take these arguments"),
)


def test_what_cannot_be_meant_is_refused_with_a_sentence(fleet: Fleet) -> None:
    fleet.start_worker(queues=ALL_QUEUES, processes=1)
    for task, arguments, says in REFUSED:
        with pytest.raises(Exception, match=says):
            task.delay(**arguments).get(timeout=SECONDS)


def test_each_task_has_its_queue_and_its_schedule() -> None:
    every_quarter = "Every 15th minute of every hour (UTC)"
    mine = {case.task.name: declared()[case.task.name] for case in CASES}
    assert {
        name: (spec.queue.value, spec.schedule.describe() if spec.schedule else None)
        for name, spec in mine.items()
    } == {
        "time_capture.aggregate_daily_time_entries": ("time_capture", "At 01:00 every day (UTC)"),
        "time_capture.validate_time_entries": ("time_capture", "At 01:30 every day (UTC)"),
        "time_capture.send_time_entry_reminders": ("time_capture", every_quarter),
        "notifications.send_daily_email_summaries": ("notifications", every_quarter),
        "notifications.send_weekly_invoice_summary": ("notifications", every_quarter),
    }
    assert all(spec.public for spec in mine.values())

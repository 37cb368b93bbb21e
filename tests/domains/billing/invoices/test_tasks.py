"""The tasks of invoices, run by real workers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, text, update

from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.domains.billing.invoices import payments, tasks
from app.domains.billing.invoices.models import Invoice, InvoiceState, Payment
from app.domains.billing.invoices.sending import mailing
from app.domains.billing.models import Client
from app.domains.billing.time_capture.models import EntryIssue
from app.jobs.declaration.registry import tasks as declared
from app.jobs.ledger.models import Job, State
from app.jobs.service import retry_job
from app.outbound.deliveries.models import Delivery, DeliveryState
from app.outbound.deliveries.settling import Settlement, settle
from app.schedule.spec import cron
from app.settings.business_clock import business_now
from app.topology import Queue
from tests.domains.billing.invoices.office import MADE, add, entry, found_office, invoices, run
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.domains.billing.invoices.office import Customer, Office
    from tests.fakes.smtp import MailServer
    from tests.fleet import Fleet, Process

pytestmark = pytest.mark.databases("postgresql")

SECONDS = 60
ALL = ",".join(Queue)
NOW = "2026-11-03T12:00:00Z"


@pytest.fixture
def office(fleet: Fleet, smtp: MailServer, configure: Callable[..., None]) -> Office:
    """A tenant, in November; its workers mail to `smtp`."""
    configure(pretend_now=NOW)
    return found_office()


def work(office: Office, clients: int) -> list[Customer]:
    """Clients that owe 100.00 EUR for an hour each."""
    for _ in range(clients):
        client = office.client()
        client.rule()
        client.worked(5, 1)
    return office.clients


def change(**facts: Any) -> None:
    with transaction() as session:
        session.execute(update(Invoice).values(**facts))


def job(job_id: str) -> Job:
    with reading() as session:
        return session.get_one(Job, job_id)


def wait_for(job_id: str, state: State = State.DONE) -> Job:
    wait_until(lambda: job(job_id).state == state, seconds=SECONDS, what=f"job {job_id} is {state}")
    return job(job_id)


def start_worker(fleet: Fleet, name: str = "first", **options: Any) -> Process:
    return fleet.start_worker(name, **({"queues": ALL} | options))


def numbers() -> list[str]:
    return sorted(one.number for one in invoices())


def states() -> set[str]:
    return {one.state for one in invoices()}


def test_each_task_has_its_queue_and_schedule() -> None:
    mine = {
        "invoices.generate_pending_invoices": (Queue.INVOICES, cron("0 2 * * *")),
        "invoices.send_pending_invoices": (Queue.INVOICES, cron("0 9 * * *")),
        "invoices.send_payment_reminders": (Queue.INVOICES, cron("0 11 * * *")),
        "invoices.cleanup_old_tasks": (Queue.INVOICES, cron("0 3 * * *")),
        "notifications.check_overdue_invoices": (Queue.NOTIFICATIONS, cron("0 10 * * *")),
        mailing.MAIL_TASK: (Queue.NOTIFICATIONS, None),
        payments.RECEIPT_TASK: (Queue.NOTIFICATIONS, None),
    }
    assert {name: (declared()[name].queue, declared()[name].schedule) for name in mine} == mine
    assert all(declared()[name].public for name in mine)


# generate_pending_invoices


def test_a_worker_of_some_queues_makes_invoices_and_a_second_time_finds_them(
    office: Office, fleet: Fleet
) -> None:
    work(office, 2)
    start_worker(fleet, queues="time_capture,invoices")
    first = tasks.generate_pending_invoices.delay(billing_period="2026-10").get(timeout=SECONDS)
    assert first == {"clients": 2, "made": 2, "failed": 0, "failures": {}}
    again = tasks.generate_pending_invoices.delay().get(timeout=SECONDS)
    assert again == {"clients": 2, "unchanged": 2, "failed": 0, "failures": {}}
    assert numbers() == ["R2026-0001", "R2026-0002"]


def test_what_a_dead_worker_left_is_made_by_another(office: Office, fleet: Fleet) -> None:
    *_, last = work(office, 3)
    first = start_worker(fleet)
    with engine().connect() as other:
        # It waits for this row, in the middle of its work.
        other.execute(select(Client.id).where(Client.id == last.id).with_for_update())
        job_id = tasks.generate_pending_invoices.delay().id
        wait_until(lambda: len(invoices()) == 2, seconds=SECONDS, what="two clients are charged")
        first.kill()
    fleet.start_beat()
    start_worker(fleet, "second")
    done = wait_for(job_id)
    assert (done.attempt, done.result) == (
        2,
        {"clients": 3, "unchanged": 2, "made": 1, "failed": 0, "failures": {}},
    )
    assert numbers() == ["R2026-0001", "R2026-0002", "R2026-0003"]


def test_twelve_runs_by_workers_make_each_invoice_once_and_no_hole(office: Office, fleet: Fleet) -> None:
    clients = work(office, 4)
    for name in ("first", "second"):
        start_worker(fleet, name, processes=3)
    with transaction():
        jobs = [tasks.generate_pending_invoices.delay("2026-10").id for _ in range(12)]
    found = [wait_for(job_id).result for job_id in jobs]
    assert sum(one.get("made", 0) for one in found if one) == 4
    assert numbers() == [f"R2026-{number:04}" for number in range(1, 5)]
    assert {entry(number).state for number in range(1, len(clients) + 1)} == {"billed"}


# send_pending_invoices and send_invoice_email


def test_drafts_are_mailed_and_marked_and_a_second_time_there_is_none(
    office: Office, fleet: Fleet, smtp: MailServer
) -> None:
    work(office, 2)
    run()
    start_worker(fleet)
    assert tasks.send_pending_invoices.delay().get(timeout=SECONDS) == {"drafts": 2, "queued": 2}
    wait_until(lambda: states() == {"sent"}, seconds=SECONDS, what="both are sent")
    assert tasks.send_pending_invoices.delay().get(timeout=SECONDS) == {"drafts": 0, "queued": 0}
    again = tasks.send_invoice_email.delay(1, "other@example.org").get(timeout=SECONDS)
    assert again == {"invoice": "R2026-0001", "status": "sent", "mailed": False}
    assert len(smtp.mails) == 2


def test_a_mail_whose_worker_died_before_its_answer_is_sent_once(
    office: Office, fleet: Fleet, smtp: MailServer
) -> None:
    work(office, 1)
    run()
    held = smtp.hold()
    first = start_worker(fleet)
    job_id = tasks.send_invoice_email.delay(1).id
    assert held.reached.wait(SECONDS)
    first.kill()
    held.released.set()
    fleet.start_beat()
    start_worker(fleet, "second")
    wait_for(job_id, State.DEAD)
    assert (states(), len(smtp.mails)) == ({"draft"}, 1)
    with transaction() as session:
        settle(session, delivery_id=1, how=Settlement.SENT)
        retry_job(session, job_id=job_id)
    assert wait_for(job_id).result == {"invoice": "R2026-0001", "status": "sent", "mailed": True}
    assert (states(), len(smtp.mails)) == ({"sent"}, 1)


# send_payment_email


def test_a_receipt_is_mailed_once(office: Office, fleet: Fleet, smtp: MailServer) -> None:
    work(office, 1)
    run()
    change(state=InvoiceState.SENT)
    with transaction() as session:
        payments.record(
            session,
            invoice_id=1,
            key="k",
            amount=1_00,
            currency="EUR",
            received_on=None,
            now=business_now(),
        )
    start_worker(fleet)
    wait_until(lambda: smtp.mails, seconds=SECONDS, what="the receipt is there")
    again = tasks.send_payment_email.delay(1).get(timeout=SECONDS)
    assert (again["status"], len(smtp.mails)) == ("sent", 1)


# send_payment_reminders, check_overdue_invoices, cleanup_old_tasks


def test_reminders_and_what_is_overdue_are_told_once(office: Office, fleet: Fleet, smtp: MailServer) -> None:
    work(office, 1)
    run()
    change(state=InvoiceState.SENT, due_on=date(2026, 11, 7))
    start_worker(fleet)
    remind = tasks.send_payment_reminders
    assert [remind.delay().get(timeout=SECONDS)["reminded"] for _ in range(2)] == [1, 0]
    change(due_on=date(2026, 10, 30))
    check = tasks.check_overdue_invoices
    assert [check.delay().get(timeout=SECONDS)["told"] for _ in range(2)] == [1, 0]
    wait_until(lambda: len(smtp.mails) == 3, seconds=SECONDS, what="client and admin are told")
    assert states() == {"overdue"}
    assert tasks.cleanup_old_tasks.delay(days=1).get(timeout=SECONDS)["draft_pdfs"] == 0


# A death of the worker between the effect of a task and its end


def owed(office: Office) -> None:
    work(office, 2)


def drafted(office: Office) -> None:
    work(office, 2)
    run()


def sent(office: Office) -> None:
    drafted(office)
    change(state=InvoiceState.SENT, due_on=date(2026, 11, 7))


def late(office: Office) -> None:
    drafted(office)
    change(state=InvoiceState.SENT, due_on=date(2026, 10, 30))


def paid(office: Office) -> None:
    sent(office)
    with transaction() as session:
        payment = {"key": "k", "amount": 1_00, "received_on": date(2026, 11, 2), "created_at": MADE}
        session.add(Payment(invoice_id=1, **payment))


def closed(office: Office) -> None:
    """An issue that was closed long ago."""
    owed(office)
    add(EntryIssue(entry_id=1, kind="gap", key="", sentence="", opened_at=MADE, closed_at=MADE))


@dataclass(frozen=True, kw_only=True)
class Case:
    """A task, what there is before it, and how often its effect is there once it has ended."""

    task: Any
    before: Callable[[Office], None]
    arguments: dict[str, Any] = field(default_factory=dict)
    mails: int = 0
    #: Of a mail whose worker died after it: a file that is written twice is one.
    calls: int = 1
    invoices: int = 2
    states: frozenset[str] = frozenset({"sent"})


CASES = {
    "generate": Case(task=tasks.generate_pending_invoices, before=owed, states=frozenset({"draft"})),
    "send": Case(task=tasks.send_pending_invoices, before=drafted, mails=2),
    "mail": Case(
        task=tasks.send_invoice_email,
        before=drafted,
        arguments={"invoice_id": 2},
        mails=1,
        calls=2,
        states=frozenset({"draft", "sent"}),
    ),
    "receipt": Case(
        task=tasks.send_payment_email, before=paid, arguments={"payment_id": 1}, mails=1, calls=2
    ),
    "remind": Case(task=tasks.send_payment_reminders, before=sent, mails=2),
    "overdue": Case(task=tasks.check_overdue_invoices, before=late, mails=2, states=frozenset({"overdue"})),
    "cleanup": Case(task=tasks.cleanup_old_tasks, before=closed, invoices=0, states=frozenset()),
}
#: Lets no job of a task be done while somebody has the lock.
HOLD = """
CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END $$;
CREATE TRIGGER hold BEFORE UPDATE ON job FOR EACH ROW
WHEN (NEW.state = 'done' AND NEW.task = 'TASK') EXECUTE FUNCTION hold();
"""
HELD_UP = "FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
WAITING = text(f"SELECT count(*) {HELD_UP}")
GIVE_UP = text(f"SELECT pg_terminate_backend(pid, 5000) {HELD_UP}")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_task_whose_worker_died_at_its_end_has_one_effect(
    office: Office, fleet: Fleet, configure: Callable[..., None], case: Case
) -> None:
    configure(mail_transport="file", mail_folder=fleet.folder / "mail")
    case.before(office)
    first = start_worker(fleet)
    with engine().connect() as other:
        other.execute(text(HOLD.replace("TASK", case.task.name)))
        other.commit()
        other.execute(text("SELECT pg_advisory_lock(1)"))
        job_id = case.task.delay(**case.arguments).id
        wait_until(lambda: other.scalar(WAITING), seconds=SECONDS, what="the task is at its end")
        first.kill()
        # As the server does once it hears that nobody is there: all of the task is undone.
        other.execute(GIVE_UP)
        other.invalidate()
    fleet.start_beat()
    start_worker(fleet, "second")
    assert wait_for(job_id).attempt == 2
    wait_until(lambda: len(mailed()) == case.mails, seconds=SECONDS, what="all is mailed")
    assert {(one.state, one.calls) for one in mailed()} <= {("sent", 1), ("sent", case.calls)}
    assert (len(invoices()), frozenset(states())) == (case.invoices, case.states)
    with reading() as session:
        assert session.scalars(select(EntryIssue)).all() == []


def mailed() -> Sequence[Delivery]:
    """What went out to clients."""
    with reading() as session:
        to_clients = Delivery.key.startswith("invoice") & (Delivery.state == DeliveryState.SENT)
        return session.scalars(select(Delivery).where(to_clients)).all()

"""Invoices of a month, made of what is stored."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select, update

from app.db.sessions import reading, transaction
from app.domains.billing.invoices.errors import PeriodNotOver
from app.domains.billing.invoices.models import Invoice, InvoiceState, InvoiceTax, UnusedHours
from app.domains.billing.models import BillingRule, Tenant
from app.domains.billing.time_capture.models import EntryIssue, EntryState, TimeEntry
from app.outbound.alerts.models import Alert
from tests.domains.billing.invoices.office import (
    FIXED,
    NOVEMBER,
    RETAINER,
    entry,
    found_office,
    invoices,
    lines,
    run,
    shares,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from tests.domains.billing.invoices.office import Office


@pytest.fixture
def office(database: Engine) -> Office:
    return found_office()


def change(invoice: Invoice, **facts: Any) -> None:
    with transaction() as session:
        session.execute(update(Invoice).where(Invoice.id == invoice.id).values(**facts))


def issues() -> list[tuple[int, str, bool]]:
    with reading() as session:
        rows = session.scalars(select(EntryIssue).order_by(EntryIssue.id))
        return [(row.entry_id, row.kind, row.closed_at is None) for row in rows]


def test_approved_time_is_charged_and_billed(office: Office) -> None:
    client = office.client(payment_days=30)
    rule = client.rule()
    first, second = client.worked(5, 2), client.worked(6, 1.5)
    waiting = client.worked(7, state="pending")
    assert run() == {"clients": 1, "made": 1, "failed": 0, "failures": {}}
    (invoice,) = invoices()
    assert (invoice.number, invoice.period, invoice.state) == ("R2026-0001", "2026-10", "draft")
    assert (invoice.net, invoice.tax, invoice.gross, invoice.paid) == (350_00, 66_50, 416_50, 0)
    assert (invoice.issued_on, invoice.due_on) == (date(2026, 11, 2), date(2026, 12, 2))
    assert (invoice.seller["name"], invoice.buyer["country"]) == ("Office", "DE")
    (line,) = lines(invoice.id)
    assert (line.rule_id, line.seconds, line.rate, line.net) == (rule, 12_600, "10000", 350_00)
    assert line.rule["rate"] == 100_00
    assert shares(invoice.id) == {first: 7_200, second: 5_400}
    assert [entry(one).state for one in (first, second, waiting)] == ["billed", "billed", "pending"]


def test_a_second_run_finds_it_done(office: Office) -> None:
    client = office.client()
    client.rule()
    client.worked()
    run()
    before = invoices()[0].__dict__
    assert run()["unchanged"] == 1
    after = invoices()[0].__dict__
    assert {key: value for key, value in after.items() if key != "_sa_instance_state"} == {
        key: value for key, value in before.items() if key != "_sa_instance_state"
    }


def test_projects_and_currencies_have_invoices_of_their_own(office: Office) -> None:
    client = office.client()
    second = client.open_project()
    inside = client.open_project("Inside", is_billable=False)
    client.rule()
    client.rule(project_id=second, currency="USD")
    client.worked(5, 1)
    client.worked(6, 1, project=second)
    unpaid = client.worked(7, 1, project=inside)
    assert run()["made"] == 2
    assert [(one.project_id, one.currency, one.net) for one in invoices()] == [
        (None, "EUR", 100_00),
        (second, "USD", 100_00),
    ]
    assert entry(unpaid).state == EntryState.APPROVED


def test_more_approved_time_makes_a_draft_anew_under_its_number(office: Office) -> None:
    client = office.client()
    client.rule()
    client.worked(5, 1)
    run()
    client.worked(6, 1)
    assert run()["made_anew"] == 1
    assert [(one.number, one.net, one.gross) for one in invoices()] == [("R2026-0001", 200_00, 238_00)]
    with reading() as session:
        assert [one.tax for one in session.scalars(select(InvoiceTax))] == [38_00]


@pytest.mark.parametrize("facts", [{"state": InvoiceState.SENT}, {"mailing_since": NOVEMBER}], ids=str)
def test_late_time_stays_approved_where_the_invoice_is_out(office: Office, facts: dict[str, Any]) -> None:
    client = office.client()
    client.rule()
    client.worked(5, 1)
    run()
    change(invoices()[0], **facts)
    late = client.worked(6, 1)
    assert run()["out_already"] == 1
    assert run()["out_already"] == 1
    assert (invoices()[0].net, entry(late).state) == (100_00, EntryState.APPROVED)
    assert issues() == [(late, "billed_period", True)]
    change(invoices()[0], state=InvoiceState.CREDITED)
    run()
    assert (entry(late).state, issues()) == (EntryState.BILLED, [(late, "billed_period", False)])


def test_late_time_that_is_rejected_is_no_issue_any_more(office: Office) -> None:
    client = office.client()
    client.rule()
    client.worked(5, 1)
    run()
    change(invoices()[0], state=InvoiceState.SENT)
    late = client.worked(6, 1)
    run()
    with transaction() as session:
        session.execute(update(TimeEntry).where(TimeEntry.id == late).values(state=EntryState.REJECTED))
    run()
    assert issues() == [(late, "billed_period", False)]


def test_what_was_taken_back_is_made_again_only_when_asked_for(office: Office) -> None:
    client = office.client()
    client.rule(**FIXED)
    run()
    change(invoices()[0], state=InvoiceState.CANCELED)
    assert run(None)["taken_back"] == 1
    assert run()["made"] == 1
    assert [one.number for one in invoices()] == ["R2026-0001", "R2026-0002"]


def test_a_draft_whose_rule_is_another_one_now_is_canceled(office: Office) -> None:
    client = office.client()
    client.rule()
    rule = client.rule(project_id=client.project)
    worked = client.worked(5, 1)
    run()
    with transaction() as session:
        session.execute(
            update(BillingRule).where(BillingRule.id == rule).values(effective_to=date(2026, 2, 1))
        )
    assert run() == {"clients": 1, "made": 1, "canceled": 1, "failed": 0, "failures": {}}
    assert [(one.number, one.state, one.net) for one in invoices()] == [
        ("R2026-0001", "canceled", 100_00),
        ("R2026-0002", "draft", 100_00),
    ]
    assert shares(invoices()[1].id) == {worked: 3_600}
    assert entry(worked).state == EntryState.BILLED


@pytest.mark.parametrize(("state", "is_late"), [("sent", True), ("canceled", False)])
def test_time_of_a_draft_whose_rule_is_now_that_of_one_that_is_out_is_approved_again(
    office: Office, state: str, *, is_late: bool
) -> None:
    client = office.client()
    client.rule()
    client.worked(4, 1, project=client.open_project())
    run()
    change(invoices()[0], state=state)
    rule = client.rule(project_id=client.project)
    worked = client.worked(5, 1)
    run(None)
    assert entry(worked).state == EntryState.BILLED
    with transaction() as session:
        session.execute(
            update(BillingRule).where(BillingRule.id == rule).values(effective_to=date(2026, 2, 1))
        )
    run(None)
    assert [one.state for one in invoices()] == [state, "canceled"]
    assert entry(worked).state == EntryState.APPROVED
    assert issues() == ([(worked, "billed_period", True)] if is_late else [])


def test_an_alert_ends_when_the_client_can_be_charged_or_owes_nothing(
    office: Office, configure: Callable[..., None]
) -> None:
    configure(alert_recovery_seconds=0)
    mended, released = office.client(), office.client()
    rejected = released.worked(5, 1)
    mended.worked(5, 1)
    assert run()["failed"] == 2
    assert open_subjects() == {f"client {one.id}, 2026-10" for one in (mended, released)}
    mended.rule()
    with transaction() as session:
        session.execute(update(TimeEntry).where(TimeEntry.id == rejected).values(state=EntryState.REJECTED))
    run()
    assert open_subjects() == set()


def open_subjects() -> set[str]:
    with reading() as session:
        return set(session.scalars(select(Alert.subject).where(Alert.closed_at.is_(None))))


def test_a_fee_is_charged_without_work_and_nothing_makes_no_invoice(office: Office) -> None:
    office.client().rule(**FIXED)
    office.client().rule(**(FIXED | {"fee": 0}))
    office.client().rule()
    office.client(ended_at=NOVEMBER).rule(**FIXED)
    assert run()["made"] == 1
    assert [one.net for one in invoices()] == [500_00]


def test_unused_hours_are_used_in_the_next_month_once(office: Office) -> None:
    client = office.client()
    client.rule(**RETAINER)
    client.worked(start=datetime(2026, 8, 5, 9, tzinfo=UTC), hours=4)
    run("2026-08")
    client.worked(start=datetime(2026, 9, 7, 1, tzinfo=UTC), hours=16)
    run("2026-09")
    client.worked(5, 11)
    run("2026-10")
    assert [one.net for one in invoices()] == [800_00, 800_00, 900_00]
    with reading() as session:
        kept = session.execute(select(UnusedHours.after, UnusedHours.period, UnusedHours.seconds))
        assert sorted(tuple(row) for row in kept) == [
            ("2026-08", "2026-08", 6 * 3600),
            ("2026-09", "2026-09", 0),
            ("2026-10", "2026-10", 0),
        ]


def test_a_night_that_was_billed_before_uses_up_the_hours_of_its_day(office: Office) -> None:
    client = office.client()
    overtime = {"overtime_threshold_hours": Decimal(8), "overtime_multiplier": Decimal(2)}
    client.rule(**overtime)
    client.worked(start=datetime(2026, 9, 30, 18, tzinfo=UTC), hours=12)
    run("2026-09")
    client.worked(1, 4)
    run()
    assert [one.net for one in invoices()] == [1_200_00, 600_00]


def test_the_month_is_the_clients_and_the_day_the_tenants(database: Engine) -> None:
    office = found_office(timezone="Pacific/Auckland")
    east, west = office.client(timezone="Pacific/Kiritimati"), office.client(timezone="Pacific/Pago_Pago")
    for client in (east, west):
        client.rule()
    east.worked(start=datetime(2026, 9, 30, 10, 30, tzinfo=UTC), hours=1)
    west.worked(start=datetime(2026, 11, 1, 10, 30, tzinfo=UTC), hours=1)
    evening = datetime(2026, 10, 31, 10, 30, tzinfo=UTC)
    assert run("2026-10", now=evening)["not_over"] == 1
    assert [(one.client_id, one.issued_on) for one in invoices()] == [(east.id, date(2026, 10, 31))]
    assert run(None, now=datetime(2026, 11, 1, 11, tzinfo=UTC))["made"] == 1
    assert [(one.client_id, one.period) for one in invoices()] == [
        (east.id, "2026-10"),
        (west.id, "2026-10"),
    ]


def test_a_month_that_is_over_nowhere_is_refused(office: Office) -> None:
    with pytest.raises(PeriodNotOver, match="2026-11 is not over anywhere"):
        run("2026-11")


def test_a_client_that_cannot_be_charged_is_named_and_stops_no_other(office: Office) -> None:
    overlapping, ruleless = office.client("Twice"), office.client("None")
    lost = office.client("Lost", timezone="Mars/Base")
    first, second = overlapping.rule(**FIXED), overlapping.rule(**FIXED)
    without = ruleless.worked(5, 1)
    lost.rule(**FIXED)
    fine = office.client("Fine")
    fine.rule(**FIXED)
    done = run()
    assert (done["failed"], done["made"]) == (3, 1)
    said = done["failures"]
    assert f"Rules {first} and {second}" in said[str(overlapping.id)]
    assert f"entry {without}" in said[str(ruleless.id)]
    assert "Mars/Base" in said[str(lost.id)]
    with reading() as session:
        alerts = {one.subject: one.sentence for one in session.scalars(select(Alert))}
    assert alerts.keys() == {
        f"client {overlapping.id}, 2026-10",
        f"client {ruleless.id}, 2026-10",
        f"client {lost.id}",
    }
    assert run()["failed"] == 3


def test_an_amount_that_no_column_holds_is_named(office: Office) -> None:
    client = office.client()
    client.rule(rate=10**12, overtime_threshold_hours=Decimal(0), overtime_multiplier=Decimal(10))
    with transaction() as session:
        session.execute(
            insert(TimeEntry),
            [
                {
                    "project_id": client.project,
                    "user_id": client.worker,
                    "source": "manual",
                    "state": "approved",
                    "started_at": datetime(2026, 10, 1, tzinfo=UTC),
                    "ended_at": datetime(2026, 10, 31, 23, tzinfo=UTC),
                    "timezone": "UTC",
                    "description": "",
                    "created_at": NOVEMBER,
                    "changed_at": NOVEMBER,
                }
            ]
            * 1_300,
        )
    done = run()
    assert done["failed"] == 1
    assert "is not an amount that can be stored" in done["failures"][str(client.id)]
    assert invoices() == []


def test_numbers_go_on_over_the_years_or_begin_anew(database: Engine) -> None:
    by_year, on = found_office(number_prefix=""), found_office(number_prefix="A", is_numbered_by_year=False)
    for office in (by_year, on):
        client = office.client()
        client.rule(**FIXED)
    for month, now in (("2026-10", NOVEMBER), ("2026-12", datetime(2027, 1, 2, tzinfo=UTC))):
        run(month, now=now)
    assert [one.number for one in invoices()] == ["2026-0001", "A0001", "2027-0001", "A0002"]


def test_a_number_that_another_way_of_numbering_gave_is_refused_without_a_hole(office: Office) -> None:
    client = office.client()
    client.rule(**FIXED)
    run()
    with transaction() as session:
        session.execute(update(Tenant).values(number_prefix="R2026-", is_numbered_by_year=False))
    done = run("2026-09")
    assert "has an invoice R2026-0001 already" in done["failures"][str(client.id)]
    with transaction() as session:
        session.execute(update(Tenant).values(number_prefix="N"))
    run("2026-09")
    assert [one.number for one in invoices()] == ["R2026-0001", "N0001"]


def test_twelve_runs_at_once_make_each_invoice_once_and_no_hole(office: Office) -> None:
    for _ in range(5):
        client = office.client()
        client.rule()
        client.rule(**(FIXED | {"project_id": client.open_project()}))
        client.worked(5, 1)
    done: list[dict[str, Any]] = []
    start = threading.Barrier(12)

    def one() -> None:
        start.wait()
        done.append(run())

    threads = [threading.Thread(target=one) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 12
    assert sum(one.get("made", 0) for one in done) == 10
    assert sorted(one.number for one in invoices()) == [f"R2026-{number:04}" for number in range(1, 11)]
    assert sum(one.net for one in invoices()) == 5 * 600_00

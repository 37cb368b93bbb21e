"""Money that comes for invoices, and invoices that are taken back."""

from __future__ import annotations

import threading
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from app.db.sessions import reading, transaction
from app.domains.billing.invoices import payments, taking_back
from app.domains.billing.invoices.errors import (
    InvoiceNotFound,
    KeyOfAnotherPayment,
    MailUnderWay,
    MoreThanDue,
    NothingPaid,
    PaidBeforeIssue,
    WrongCurrency,
    WrongState,
)
from app.domains.billing.invoices.models import Invoice, InvoiceState, InvoiceTax, Payment
from app.domains.billing.time_capture.models import EntryState
from app.values.row_ids import MAX_BIGINT
from tests.domains.billing.invoices.office import (
    NOVEMBER,
    RETAINER,
    entry,
    found_office,
    invoices,
    lines,
    run,
)
from tests.domains.notifications.people import jobs_of

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from app.errors import GroundworkError
    from tests.domains.billing.invoices.office import Customer


@pytest.fixture
def client(database: Engine) -> Customer:
    """A client with an hour on a draft, 119.00 EUR with its tax."""
    client = found_office().client()
    client.rule()
    client.worked(5, 1)
    run()
    return client


def change(**facts: Any) -> None:
    with transaction() as session:
        session.execute(update(Invoice).values(**facts))


def pay(amount: int, *, key: str = "k", currency: str = "EUR", received_on: date | None = None) -> Payment:
    with transaction() as session:
        return payments.record(
            session,
            invoice_id=invoices()[0].id,
            key=key,
            amount=amount,
            currency=currency,
            received_on=received_on,
            now=NOVEMBER,
        )


def credit() -> Invoice:
    with transaction() as session:
        return taking_back.credit(session, invoice_id=invoices()[0].id, now=NOVEMBER)


def cancel() -> Invoice:
    with transaction() as session:
        return taking_back.cancel(session, invoice_id=invoices()[0].id, now=NOVEMBER)


def standing() -> tuple[str, int]:
    invoice = invoices()[0]
    return invoice.state, invoice.paid


def test_an_invoice_is_paid_in_part_and_then_in_full(client: Customer) -> None:
    change(state=InvoiceState.SENT)
    pay(19_00, key="first")
    assert standing() == ("partial", 19_00)
    pay(100_00, key="second")
    assert standing() == ("paid", 119_00)
    assert [job.kwargs for job in jobs_of(payments.RECEIPT_TASK)] == [{"payment_id": 1}, {"payment_id": 2}]


def test_the_same_key_is_the_same_payment(client: Customer) -> None:
    change(state=InvoiceState.SENT)
    assert pay(19_00).id == pay(19_00).id
    assert standing() == ("partial", 19_00)
    assert len(jobs_of(payments.RECEIPT_TASK)) == 1
    with pytest.raises(KeyOfAnotherPayment, match='"k" names another payment of Invoice R2026-0001'):
        pay(20_00)


def test_an_overdue_one_stays_so_until_all_of_it_is_paid(client: Customer) -> None:
    change(state=InvoiceState.OVERDUE)
    pay(19_00)
    assert standing() == ("overdue", 19_00)
    with transaction() as session:
        payments.pay_rest(session, invoice_id=invoices()[0].id, received_on=None, now=NOVEMBER)
        payments.pay_rest(session, invoice_id=invoices()[0].id, received_on=None, now=NOVEMBER)
    assert standing() == ("paid", 119_00)
    with reading() as session:
        assert [one.amount for one in session.scalars(select(Payment))] == [19_00, 100_00]


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"amount": 119_01}, MoreThanDue, "119.01 EUR is more than the 119.00 EUR due of Invoice R2026-0001"),
        ({"amount": MAX_BIGINT}, MoreThanDue, "is more than"),
        ({"amount": 0}, NothingPaid, "give an amount above zero"),
        ({"amount": -1}, NothingPaid, "-0.01 EUR is no payment"),
        ({"amount": 1, "currency": "USD"}, WrongCurrency, "is in EUR, and the payment in USD"),
        ({"amount": 1, "received_on": date(2026, 9, 30)}, PaidBeforeIssue, "on 2026-09-30"),
        ({"amount": 1, "received_on": date(2026, 11, 3)}, PaidBeforeIssue, "until today, 2026-11-02"),
    ],
)
def test_what_is_no_payment_is_refused(
    client: Customer, given: dict[str, Any], error: type[GroundworkError], said: str
) -> None:
    change(state=InvoiceState.SENT)
    with pytest.raises(error, match=said):
        pay(**given)
    assert standing() == ("sent", 0)


@pytest.mark.parametrize("state", ["draft", "paid", "credited", "canceled"])
def test_only_what_was_sent_and_is_due_is_paid(client: Customer, state: str) -> None:
    change(state=state)
    with pytest.raises(WrongState, match=f"R2026-0001 is {state}; only an invoice that was sent"):
        pay(1)


def test_payments_at_once_are_never_more_than_what_is_due(client: Customer) -> None:
    change(state=InvoiceState.SENT)
    refused = []

    def one(number: int) -> None:
        try:
            pay(50_00, key=f"k{number}")
        except MoreThanDue as error:
            refused.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (standing(), len(refused)) == (("partial", 100_00), 4)


def test_a_credit_note_takes_all_of_an_invoice_back_and_changes_none_of_it(client: Customer) -> None:
    change(state=InvoiceState.SENT)
    before = {**invoices()[0].__dict__}
    note = credit()
    assert credit().id == note.id
    after = invoices()[0].__dict__
    assert {name for name in before if before[name] != after[name]} == {"_sa_instance_state", "state"}
    assert standing() == ("credited", 0)
    assert (note.number, note.kind, note.state, note.credits_id) == ("R2026-0002", "credit_note", "draft", 1)
    assert (note.net, note.tax, note.gross) == (-100_00, -19_00, -119_00)
    assert [(one.net, one.seconds) for one in lines(note.id)] == [(-100_00, 3_600)]
    with reading() as session:
        taxes = session.scalars(select(InvoiceTax).where(InvoiceTax.invoice_id == note.id)).all()
    assert [(one.net, one.tax) for one in taxes] == [(-100_00, -19_00)]
    assert entry(1).state == EntryState.APPROVED
    assert run()["made"] == 1
    assert (invoices()[2].number, entry(1).state) == ("R2026-0003", EntryState.BILLED)


def test_a_canceled_draft_keeps_its_number_and_lets_its_time_go(client: Customer) -> None:
    assert cancel().id == cancel().id
    assert (standing()[0], invoices()[0].number, entry(1).state) == ("canceled", "R2026-0001", "approved")


@pytest.mark.parametrize("state", ["sent", "partial", "overdue", "paid", "credited"])
def test_what_is_out_is_not_canceled(client: Customer, state: str) -> None:
    change(state=state)
    with pytest.raises(WrongState, match=f"is {state}; only a draft of an invoice is canceled"):
        cancel()


def test_a_draft_that_is_being_mailed_is_not_canceled(client: Customer) -> None:
    change(mailing_since=NOVEMBER)
    with pytest.raises(MailUnderWay, match="R2026-0001 is being mailed"):
        cancel()


def test_neither_drafts_nor_credit_notes_are_credited_or_paid(client: Customer) -> None:
    with pytest.raises(WrongState, match="is draft; only an invoice that was sent is credited"):
        credit()
    change(state=InvoiceState.SENT)
    note = credit()
    for action in (taking_back.credit, taking_back.cancel):
        with pytest.raises(WrongState, match="Credit note R2026-0002 is draft"), transaction() as session:
            action(session, invoice_id=note.id, now=NOVEMBER)


def test_hours_that_were_left_over_are_taken_back_with_the_fee(database: Engine) -> None:
    client = found_office().client()
    client.rule(**RETAINER)
    run("2026-09")
    change(state=InvoiceState.SENT)
    credit()
    client.worked(5, 12)
    run("2026-10")
    assert invoices()[-1].net == 800_00 + 200_00


def test_an_invoice_that_is_not_there(database: Engine) -> None:
    with pytest.raises(InvoiceNotFound, match="no invoice with the id 7"), transaction() as session:
        taking_back.credit(session, invoice_id=7, now=NOVEMBER)

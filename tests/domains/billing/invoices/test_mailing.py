"""Invoices that are mailed, each once, and are marked as sent after that."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from pypdf import PdfReader
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.db.engine import engine
from app.db.sessions import reading, transaction
from app.domains.billing.invoices import payments, taking_back
from app.domains.billing.invoices.errors import NobodyToMail
from app.domains.billing.invoices.models import InvoiceDocument, InvoiceState, Payment
from app.domains.billing.invoices.sending import mailing, receipts
from app.domains.billing.invoices.sending.printed import pdf_now
from app.domains.billing.models import Client, Tenant
from app.outbound.alerts.models import Alert
from app.outbound.deliveries.errors import NotSent, Refused, Uncertain
from app.outbound.deliveries.models import Delivery
from app.outbound.deliveries.settling import Settlement, settle
from app.outbound.mail.suppression import suppress
from app.values.account_numbers import NotAnIban
from tests.checkpoints import committing
from tests.domains.billing.invoices.office import FIXED, found_office, invoices, run
from tests.domains.notifications.people import jobs_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.domains.billing.invoices.office import Office
    from tests.fakes.smtp import MailServer

NINE = datetime(2026, 11, 3, 9, tzinfo=UTC)


@pytest.fixture
def office(database: Engine, smtp: MailServer) -> Office:
    """A tenant with a draft over 595.00 EUR."""
    office = found_office()
    office.client("Łódź & Söhne", email="lodz@example.org").rule(**FIXED)
    run()
    return office


def send(invoice_id: int = 1, *, now: datetime = NINE, **given: Any) -> dict[str, Any]:
    """Mail it as a job does, which is not there any more when the next one begins."""
    with Session(engine(), expire_on_commit=False) as session:
        told = mailing.send(
            session, invoice_id=invoice_id, job_id="job", now=now, commit=committing(session), **given
        )
        session.commit()
    return told


def pdf_in(mail: EmailMessage) -> bytes:
    (file,) = mail.iter_attachments()
    assert file.get_content_type() == "application/pdf"
    return bytes(file.get_content())


def text_of(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages).split())


def alerts() -> list[tuple[str, bool]]:
    with reading() as session:
        return [(one.sentence, one.well_since is None) for one in session.scalars(select(Alert))]


def change(table: Any, **facts: Any) -> None:
    with transaction() as session:
        session.execute(update(table).values(**facts))


def test_an_invoice_is_mailed_with_its_pdf_and_then_marked(office: Office, smtp: MailServer) -> None:
    assert send() == {"invoice": "R2026-0001", "status": "sent", "mailed": True}
    (mail,) = smtp.mails
    assert (mail["To"], mail["Subject"]) == ("lodz@example.org", "Invoice R2026-0001 from Office")
    (file,) = mail.iter_attachments()
    assert file.get_filename() == "invoice-R2026-0001.pdf"
    with reading() as session:
        stored = session.get_one(InvoiceDocument, 1)
    assert pdf_in(mail) == stored.content
    assert hashlib.sha256(stored.content).hexdigest() == stored.sha256
    invoice = invoices()[0]
    assert (invoice.state, invoice.sent_at, invoice.issued_on) == ("sent", NINE, date(2026, 11, 3))
    assert invoice.due_on == date(2026, 11, 17)
    said = text_of(stored.content)
    for text in ("R2026-0001", "500.00", "95.00", "595.00", "Łódź & Söhne", "Hamburg", "17 Nov 2026"):
        assert text in said.replace("\u00a0", " ")


def test_it_is_mailed_once(office: Office, smtp: MailServer) -> None:
    send()
    assert send() == {"invoice": "R2026-0001", "status": "sent", "mailed": False}
    assert len(smtp.mails) == 1


def test_a_refused_mail_leaves_a_draft_with_an_alert(office: Office, smtp: MailServer) -> None:
    smtp.answers.append(("RCPT", "550 no such mailbox"))
    with pytest.raises(Refused, match="no such mailbox"):
        send()
    invoice = invoices()[0]
    assert (invoice.state, invoice.mailing_since, invoice.refused_mails) == ("draft", None, 1)
    (said, is_open), *others = alerts()
    assert (others, is_open) == ([], True)
    assert said.startswith("R2026-0001 did not go out: The mail server refuses lodz@example.org")
    change(Client, email="better@example.org")
    send()
    assert [mail["To"] for mail in smtp.mails] == ["better@example.org"]
    assert (invoices()[0].state, alerts()) == ("sent", [(said, False)])


def test_a_busy_server_gets_the_same_mail_later(office: Office, smtp: MailServer) -> None:
    smtp.answers.append(("RCPT", "451 later"))
    with pytest.raises(NotSent, match="later"):
        send()
    invoice = invoices()[0]
    assert (invoice.state, invoice.mailing_since, invoice.refused_mails) == ("draft", NINE, 0)
    office.clients[0].rule(
        currency="USD", kind="fixed", rate=None, fee=1, project_id=office.clients[0].project
    )
    run()
    send(now=datetime(2026, 11, 4, tzinfo=UTC))
    assert (len(smtp.mails), invoices()[0].state, invoices()[0].issued_on) == (1, "sent", date(2026, 11, 3))


def test_a_mail_of_which_nobody_knows_is_not_sent_again(office: Office, smtp: MailServer) -> None:
    smtp.hangs_up = True
    for _ in range(2):
        with pytest.raises(Uncertain):
            send()
    assert (len(smtp.mails), invoices()[0].state) == (1, "draft")
    assert alerts()[0][1]
    with transaction() as session:
        settle(session, delivery_id=1, how=Settlement.SENT)
    assert send()["mailed"]
    assert (len(smtp.mails), invoices()[0].state) == (1, "sent")


def test_a_worker_that_dies_after_the_mail_sends_it_once(
    office: Office, configure: Callable[..., None], tmp_path: Path
) -> None:
    configure(mail_transport="file", mail_folder=tmp_path / "mail")
    with Session(engine(), expire_on_commit=False) as session:
        mailing.send(session, invoice_id=1, job_id="job", now=NINE, commit=committing(session))
        session.rollback()
    assert invoices()[0].state == "draft"
    send()
    assert (invoices()[0].state, len(list((tmp_path / "mail").glob("*.eml")))) == ("sent", 1)


def test_an_address_that_wants_no_mail_is_told(office: Office, smtp: MailServer) -> None:
    with transaction() as session:
        suppress(session, address="lodz@example.org", reason="The mailbox does not exist.")
    with pytest.raises(NobodyToMail, match=r"was not mailed to lodz@example\.org: Every recipient"):
        send()
    assert (smtp.mails, invoices()[0].state, len(alerts())) == ([], "draft", 1)


def test_what_cannot_be_printed_is_not_mailed(office: Office, smtp: MailServer) -> None:
    change(Tenant, iban="DE00370400440532013000")
    with pytest.raises(NotAnIban):
        send()
    assert (smtp.mails, invoices()[0].mailing_since, invoices()[0].state) == ([], None, "draft")
    assert "no IBAN" in alerts()[0][0]


def test_a_draft_of_last_year_keeps_the_year_of_its_number(office: Office) -> None:
    send(now=datetime(2027, 1, 5, tzinfo=UTC))
    assert (invoices()[0].number, invoices()[0].issued_on) == ("R2026-0001", date(2026, 12, 31))


def test_one_for_nothing_is_paid_when_it_is_sent(database: Engine, smtp: MailServer) -> None:
    client = found_office().client()
    client.rule(rate=0)
    client.worked()
    run()
    assert send()["status"] == "paid"


def test_address_name_and_layout_can_be_given(office: Office, smtp: MailServer) -> None:
    send(to="other@example.org", name="Dr. Who", layout="compact")
    assert smtp.mails[0]["To"] == "other@example.org"
    body = smtp.mails[0].get_body(("plain",))
    assert body is not None
    assert "Dear Dr. Who," in body.get_content()
    with reading() as session:
        assert session.get_one(InvoiceDocument, 1).layout == "compact"


def test_a_credit_note_goes_out_in_its_own_name(office: Office, smtp: MailServer) -> None:
    send()
    with transaction() as session:
        note = taking_back.credit(session, invoice_id=1, now=NINE)
    send(note.id)
    mail = smtp.mails[1]
    assert mail["Subject"] == "Credit note R2026-0002 from Office"
    said = text_of(pdf_in(mail))
    assert "Credit note" in said
    assert "R2026-0001" in said
    assert invoices()[1].state == InvoiceState.SENT


def test_drafts_are_mailed_by_a_job_each_once_on_a_day(office: Office) -> None:
    for _ in range(2):
        with transaction() as session:
            counts = mailing.request_all(session, now=NINE, commit=committing_nothing)
    assert counts == {"drafts": 1, "queued": 0}
    assert [job.kwargs for job in jobs_of(mailing.MAIL_TASK)] == [{"invoice_id": 1}]


def committing_nothing(_progress: object = None, /) -> None:
    """The test's transaction is committed at its end."""


def test_an_alert_ends_in_the_morning_after_the_mail_went_out(
    office: Office, smtp: MailServer, configure: Callable[..., None]
) -> None:
    smtp.answers.append(("RCPT", "550 no such mailbox"))
    with pytest.raises(Refused):
        send()
    look_again()
    assert alerts() == [(alerts()[0][0], True)]
    send()
    configure(alert_recovery_seconds=0)
    look_again()
    with reading() as session:
        assert session.scalars(select(Alert.closed_at)).one() is not None


def look_again() -> None:
    with transaction() as session:
        mailing.request_all(session, now=NINE, commit=committing_nothing)


def test_a_draft_is_shown_as_one_and_what_was_sent_as_it_was(office: Office, smtp: MailServer) -> None:
    with reading() as session:
        draft = pdf_now(session, invoices()[0])
        assert pdf_now(session, invoices()[0]) == draft
    assert "DRAFT" in text_of(draft.content).upper()
    send()
    with reading() as session:
        sent = pdf_now(session, invoices()[0])
    assert sent.content == pdf_in(smtp.mails[0])


def test_a_receipt_comes_once_for_each_payment(office: Office, smtp: MailServer) -> None:
    send()
    with transaction() as session:
        payments.record(
            session, invoice_id=1, key="k", amount=95_00, currency="EUR", received_on=None, now=NINE
        )
    for _ in range(2):
        with Session(engine(), expire_on_commit=False) as session:
            receipts.send(session, payment_id=1, job_id="job", commit=committing(session))
            session.commit()
    assert [mail["Subject"] for mail in smtp.mails[1:]] == ["Your payment for invoice R2026-0001"]
    body = smtp.mails[1].get_body(("plain",))
    assert body is not None
    said = " ".join(body.get_content().split())
    assert "95.00 EUR for invoice R2026-0001 arrived on 3 November 2026. 500.00 EUR of it" in said
    with reading() as session:
        assert session.scalar(select(Payment.amount)) == 95_00
        assert session.scalars(select(Delivery.state)).all() == ["sent", "sent"]

"""Alerts of what keeps an invoice from going out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.billing.invoices.models import Invoice, InvoiceState
from app.outbound.alerts.kinds import declare_kinds
from app.outbound.alerts.look import Look, Problem
from app.outbound.alerts.service import open_alerts, take

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

KIND = "invoice mail"
declare_kinds([KIND])
FIX = "Mend what the sentence names, and have it sent again: POST /api/v1/invoices/{id}/send"


def not_mailed(session: Session, invoice: Invoice, *, why: str) -> None:
    """Open the alert of an invoice that did not go out."""
    problem = Problem(sentence=f"{invoice.number} did not go out: {why}", fix=FIX.format(id=invoice.id))
    _look(session, invoice, {_subject(invoice): problem})


def mailed(session: Session, invoice: Invoice) -> None:
    """Note that an invoice went out after all."""
    _look(session, invoice, {})


def look_again(session: Session) -> None:
    """Look at what did not go out once: what did by now, or was canceled, is well."""
    subjects = {row.subject for row in open_alerts(session) if row.kind == KIND}
    ids = [int(subject.rpartition(" ")[2]) for subject in subjects]
    waits = (Invoice.state == InvoiceState.DRAFT) & Invoice.id.in_(ids)
    still = {_subject(invoice) for invoice in session.scalars(select(Invoice).where(waits))}
    take(session, [Look(kind=KIND, subjects=frozenset(subjects - still))])


def _look(session: Session, invoice: Invoice, problems: dict[str, Problem]) -> None:
    take(session, [Look(kind=KIND, problems=problems, subjects=frozenset({_subject(invoice)}))])


def _subject(invoice: Invoice) -> str:
    return f"invoice {invoice.id}"

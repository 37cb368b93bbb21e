"""An invoice as it is stored becomes the facts of a document, and that its PDF."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.domains.billing.charging.hours import Kind as LineKind
from app.domains.billing.charging.invoices import TaxTotal
from app.domains.billing.charging.periods import Period
from app.domains.billing.charging.taxes import Tax, TaxCategory
from app.domains.billing.documents.facts import Credited, Document, Kind, Line
from app.domains.billing.documents.parties import Buyer, Payment, Seller
from app.domains.billing.documents.rendering import render
from app.domains.billing.invoices.models import Invoice, InvoiceKind, InvoiceLine, InvoiceState, InvoiceTax
from app.domains.billing.models import Project

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

#: States in which it is not yet, or never was, what it says.
_NOT_VALID = (InvoiceState.DRAFT, InvoiceState.CANCELED)


def pdf_of(session: Session, invoice: Invoice, *, layout: str | None = None, final: bool = False) -> bytes:
    """The PDF of an invoice, marked as a draft while it is one unless it is the `final` form."""
    draft = invoice.state in _NOT_VALID and not final
    document = document_of(session, invoice, draft=draft)
    return render(document, layout=layout or invoice.seller["layout"]).pdf


def document_of(session: Session, invoice: Invoice, *, draft: bool) -> Document:
    """What stands on it. Raises one of `app.errors.InvalidInput` for what cannot be printed."""
    period = Period.parse(invoice.period)
    is_invoice = invoice.kind == InvoiceKind.INVOICE
    iban = invoice.seller["iban"]
    return Document(
        kind=Kind(invoice.kind),
        draft=draft,
        number=invoice.number,
        issued=invoice.issued_on,
        due=invoice.due_on if is_invoice else None,
        period=(period.first, period.last),
        currency=invoice.currency,
        seller=Seller(**party_of(invoice.seller)),
        buyer=Buyer(**party_of(invoice.buyer)),
        lines=_lines(session, invoice),
        taxes=_taxes(session, invoice),
        net=invoice.net,
        tax=invoice.tax,
        gross=invoice.gross,
        payable=invoice.gross,
        payment=Payment(iban=iban) if iban and is_invoice else None,
        credited=_credited(session, invoice),
    )


def party_of(standing: dict[str, Any]) -> dict[str, Any]:
    number = standing["tax_number"]
    # A number of a tax office begins with a digit, a VAT id with its country.
    is_vat_id = number is not None and number[:2].isalpha()
    return {
        **{name: standing[name] for name in ("name", "address", "country", "email")},
        ("vat_id" if is_vat_id else "tax_number"): number,
    }


def _lines(session: Session, invoice: Invoice) -> tuple[Line, ...]:
    rows = select(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id).order_by(InvoiceLine.position)
    project = None if invoice.project_id is None else session.get_one(Project, invoice.project_id).name
    return tuple(_line(row, project=project) for row in session.scalars(rows))


def _line(row: InvoiceLine, *, project: str | None) -> Line:
    of = f"{project}: " if project else ""
    timed = row.rate is not None
    return Line(
        description=f"{of}{_what(row)}",
        seconds=row.seconds if timed else None,
        rate=Decimal(row.rate) if row.rate is not None else None,
        net=row.net,
        tax=Tax(category=TaxCategory(row.tax_category), percent=row.tax_percent, reason=row.tax_reason),
    )


def _what(row: InvoiceLine) -> str:
    rule = row.rule
    match LineKind(row.kind):
        case LineKind.FEE if rule["kind"] == "retainer":
            return f"Monthly fee, with {Decimal(rule['included_hours']).normalize():f} hours"
        case LineKind.FEE:
            return "Monthly fee"
        case LineKind.TIME:
            return "Time"
        case LineKind.OVERTIME:
            return f"Overtime, {Decimal(rule['overtime']['multiplier']).normalize():f} times the rate"
        case LineKind.CAPPED:
            return "Time above the agreed hours, not charged"


def _taxes(session: Session, invoice: Invoice) -> tuple[TaxTotal, ...]:
    rows = select(InvoiceTax).where(InvoiceTax.invoice_id == invoice.id).order_by(InvoiceTax.position)
    return tuple(
        TaxTotal(
            category=TaxCategory(row.category),
            percent=row.percent,
            reason=row.reason,
            net=row.net,
            tax=row.tax,
        )
        for row in session.scalars(rows)
    )


def _credited(session: Session, invoice: Invoice) -> Credited | None:
    if invoice.credits_id is None:
        return None
    credited = session.get_one(Invoice, invoice.credits_id)
    return Credited(number=credited.number, issued=credited.issued_on)

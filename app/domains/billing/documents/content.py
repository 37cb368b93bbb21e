"""What is printed of a document, as texts in their order: the template only places them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.domains.billing.documents import figures
from app.domains.billing.documents.addresses import of_party
from app.domains.billing.documents.facts import Kind
from app.domains.billing.documents.wording import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.domains.billing.charging.invoices import TaxTotal
    from app.domains.billing.documents.facts import Document

_TITLES = {Kind.INVOICE: "Invoice", Kind.CREDIT_NOTE: "Credit note"}

#: Amounts of more characters have no place in half the width of a page.
_BESIDE = 17
#: Texts of more characters may be cut by the end of a page, for they could be longer than one.
_TOGETHER = 600


def content_of(document: Document) -> dict[str, Any]:
    """All texts of a document, ready for JSON."""
    return {
        "title": _TITLES[document.kind],
        "name": text(name_of(document)),
        "draft": document.draft,
        "headline": _headline(document),
        "seller": of_party(document.seller),
        "buyer": of_party(document.buyer),
        "facts": [{"label": label, "value": text(value)} for label, value in _facts(document)],
        "table": _table(document),
        "totals": [{"label": label, "amount": amount} for label, amount in _totals(document)],
        "taxes": _taxes(document),
        "wide": len(figures.amount(document.gross, document.currency)) > _BESIDE,
        "payment": _payment(document),
        "notes": [[text(line) for line in note.split("\n")] for note in document.notes],
    }


def name_of(document: Document) -> str:
    """What a document is called, such as "Invoice 2026-0001"."""
    return f"{_TITLES[document.kind]} {document.number or '(no number yet)'}"


def _headline(document: Document) -> dict[str, str]:
    if document.kind is Kind.CREDIT_NOTE:
        return {"label": "Credited", "amount": figures.money(document.gross, document.currency)}
    return {"label": "Amount due", "amount": figures.money(document.payable, document.currency)}


def _facts(document: Document) -> Iterator[tuple[str, str]]:
    yield "Number", document.number or "none yet"
    yield "Date", figures.day(document.issued)
    if document.credited is not None:
        credited = document.credited
        yield "Credits", f"{_TITLES[Kind.INVOICE]} {credited.number} of {figures.day(credited.issued)}"
    first, last = document.period or (document.supplied, document.supplied)
    if first != last:
        yield "Period", f"{figures.day(first)} \N{EN DASH} {figures.day(last)}"
    elif document.kind is Kind.INVOICE:
        yield "Supplied", figures.day(document.supplied)
    if document.due is not None:
        yield "Due", figures.day(document.due)
    if document.buyer_reference is not None:
        yield "Your reference", document.buyer_reference
    if document.order_reference is not None:
        yield "Your order", document.order_reference


def _table(document: Document) -> dict[str, Any]:
    """The lines; hours and rates are columns only where some line has them."""
    lines, currency = document.lines, document.currency
    timed = any(line.seconds for line in lines)
    hours = figures.hours(line.seconds or None for line in lines)
    rates = figures.rates((line.rate for line in lines), currency)
    rows = [
        {
            "number": str(number),
            "description": text(line.description),
            "detail": None if line.detail is None else text(line.detail),
            "figures": [
                *([time, rate] if timed else []),
                figures.percent(line.tax.category, line.tax.percent),
                figures.amount(line.net, currency),
            ],
        }
        for number, (line, time, rate) in enumerate(zip(lines, hours, rates, strict=True), 1)
    ]
    heads = [*(["Hours", "Rate"] if timed else []), "Tax", f"Amount ({currency})"]
    last = [f"{line.description}{line.detail or ''}" for line in lines[-1:]]
    return {"heads": heads, "rows": rows, "together": _fits(*last), "nothing": "Nothing is charged."}


def _fits(*texts: str) -> bool:
    """Whether a page has room for these texts and what they are to stay with."""
    return sum(map(len, texts)) <= _TOGETHER


def _totals(document: Document) -> Iterator[tuple[str, str]]:
    """The totals, of which the last is the one to look at."""
    currency = document.currency
    yield "Net", figures.amount(document.net, currency)
    yield "Tax", figures.amount(document.tax, currency)
    if document.paid:
        yield "Total", figures.amount(document.gross, currency)
        yield "Paid", figures.amount(-document.paid, currency)
        yield "Amount due", figures.money(document.payable, currency)
    else:
        yield "Total", figures.money(document.gross, currency)


def _taxes(document: Document) -> list[dict[str, Any]]:
    currency = document.currency
    return [
        {
            "rate": figures.percent(total.category, total.percent),
            "net": figures.amount(total.net, currency),
            "tax": figures.amount(total.tax, currency),
            "reason": text(_reason(total)) if total.reason else None,
        }
        for total in document.taxes
    ]


def _reason(total: TaxTotal) -> str:
    return f"{figures.percent(total.category, total.percent).capitalize()}: {total.reason}"


def _payment(document: Document) -> dict[str, Any] | None:
    """How to pay what is to be paid."""
    payment = document.payment
    if payment is None or document.kind is not Kind.INVOICE or document.payable <= 0:
        return None
    rows = [
        ("Account holder", payment.holder or document.seller.name),
        ("IBAN", figures.grouped(payment.iban)),
        ("BIC", payment.bic),
        ("Bank", payment.bank),
        ("Reference", payment.reference or document.number),
        ("Amount", figures.money(document.payable, document.currency)),
        ("Due", figures.day(document.due) if document.due is not None else None),
    ]
    return {
        "rows": [{"label": label, "value": text(value)} for label, value in rows if value],
        "together": _fits(*(value for _, value in rows if value), payment.terms or ""),
        "terms": [text(line) for line in (payment.terms or "").split("\n") if line],
    }

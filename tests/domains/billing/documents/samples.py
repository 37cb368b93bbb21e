"""Documents to print, and what can be read in a printed one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

from pypdf import PdfReader

from app.domains.billing.charging.invoices import TaxTotal
from app.domains.billing.charging.totals import tax_on
from app.domains.billing.documents.facts import Credited, Document, Kind, Line
from app.domains.billing.documents.parties import Buyer, Payment, Seller
from app.domains.billing.documents.rendering import Rendered, render
from tests.domains.billing.charging.work import EXEMPT, REDUCED, VAT, ZERO

if TYPE_CHECKING:
    from app.domains.billing.charging.taxes import Tax

IBAN = "DE89370400440532013000"
SELLER = Seller(
    name="Nordlicht Software GmbH",
    address="Speicherstraße 12\n2. Obergeschoss\n20457 Hamburg",
    country="DE",
    vat_id="DE123456789",
    registration="HRB 123456",
    contact="Jörg Ålund",
    email="rechnung@nordlicht.example",
    phone="+49 40 1234567",
)
BUYER = Buyer(
    name="Łódź Catering Sp. z o.o.",
    address="ul. Piotrkowska 100\n90-001 Łódź",
    country="PL",
    vat_id="PL1234567890",
)
PAYMENT = Payment(iban=IBAN, bic="COBADEFFXXX", bank="Commerzbank", terms="Please pay within 14 days.")
CREDITED = Credited(number="2026-0042", issued=date(2026, 11, 3))
HOUR = 3600


def time(
    seconds: int = 10 * HOUR,
    *,
    net: int = 900_00,
    rate: str = "9000",
    name: str = "Development",
    tax: Tax = VAT,
) -> Line:
    return Line(description=name, seconds=seconds, rate=Decimal(rate), net=net, tax=tax)


def fee(net: int, *, name: str = "Monthly fee", tax: Tax = VAT, detail: str | None = None) -> Line:
    return Line(description=name, detail=detail, net=net, tax=tax)


LINES = (
    time(name="Development", net=900_00),
    time(int(2.5 * HOUR), net=337_50, rate="13500", name="Development, overtime"),
    fee(1200_00, detail="Includes 12 hours, of which 3.5 are good next month"),
    fee(85_00, name="Handbook, printed", tax=REDUCED),
    fee(40_00, name="Training", tax=EXEMPT),
    fee(10_00, name="Abroad", tax=ZERO),
)


def document(*, lines: tuple[Line, ...] = LINES, paid: int = 0, **changes: Any) -> Document:
    """An invoice of these lines, whose totals are reckoned by charging."""
    taxes = _taxes(lines)
    net, tax = sum(line.net for line in lines), sum(total.tax for total in taxes)
    given: dict[str, Any] = {
        "number": "2026-0043",
        "issued": date(2026, 11, 28),
        "due": date(2026, 12, 12),
        "period": (date(2026, 11, 1), date(2026, 11, 30)),
        "currency": "EUR",
        "seller": SELLER,
        "buyer": BUYER,
        "lines": lines,
        "taxes": taxes,
        "net": net,
        "tax": tax,
        "gross": net + tax,
        "paid": paid,
        "payable": net + tax - paid,
        "payment": PAYMENT,
        "notes": ("Thank you for working with us.",),
    }
    return Document(**(given | changes))


def credit_note(*, sign: int = 1, **changes: Any) -> Document:
    """What is given back of an invoice, with amounts above zero or below."""
    lines = tuple(replace(line, net=sign * line.net) for line in LINES)
    return document(lines=lines, kind=Kind.CREDIT_NOTE, credited=CREDITED, due=None, **changes)


def _taxes(lines: tuple[Line, ...]) -> tuple[TaxTotal, ...]:
    groups: defaultdict[Tax, int] = defaultdict(int)
    for line in lines:
        groups[line.tax] += line.net
    return tuple(
        TaxTotal(
            category=tax.category,
            percent=tax.percent,
            reason=tax.reason,
            net=net,
            tax=tax_on(net, percent=tax.percent),
        )
        for tax, net in groups.items()
    )


@cache
def rendered(document: Document, layout: str = "classic") -> Rendered:
    """What `render` makes, once for all tests that look at the same."""
    return render(document, layout=layout)


def reader(document: Document, layout: str = "classic") -> PdfReader:
    return PdfReader(BytesIO(rendered(document, layout).pdf))


def corners(document: Document, layout: str) -> tuple[float, float, float, float]:
    """Where on a page texts begin, in points: the leftmost, lowest, rightmost and highest place."""
    places: list[tuple[float, float]] = []

    def found(text: str, cm: list[float], tm: list[float], *_: object) -> None:
        if text.strip():
            places.append((tm[4] * cm[0] + tm[5] * cm[2] + cm[4], tm[4] * cm[1] + tm[5] * cm[3] + cm[5]))

    for page in reader(document, layout).pages:
        page.extract_text(visitor_text=found)
    across, up = zip(*places, strict=True)
    return min(across), min(up), max(across), max(up)


def pages(document: Document, layout: str = "classic") -> list[str]:
    """The text of each page, blanks as they come."""
    return [page.extract_text() for page in reader(document, layout).pages]


def words(document: Document, layout: str = "classic") -> str:
    """All text, with one blank between words."""
    return " ".join(" ".join(pages(document, layout)).split())

"""An invoice of a sale becomes the facts of a document, and that its PDF."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domains.billing.charging.totals import totals_of
from app.domains.billing.documents.facts import Credited, Document, Kind, Line
from app.domains.billing.documents.parties import Buyer, Seller
from app.domains.billing.documents.rendering import render
from app.domains.billing.invoices.sending.printing import party_of

if TYPE_CHECKING:
    from app.domains.billing.sales.facts import SoldLine
    from app.domains.billing.sales.models import SaleInvoice


def pdf_of(made: SaleInvoice, lines: tuple[SoldLine, ...], *, credited: SaleInvoice | None) -> bytes:
    """Its PDF; the amounts of `made` become what its lines come to.

    Raises one of `app.errors.InvalidInput` for what cannot be printed.
    """
    totals = totals_of(lines, currency=made.currency)
    made.net, made.tax, made.gross = totals.net, totals.tax, totals.gross
    paid = 0 if credited else made.gross
    document = Document(
        kind=Kind(made.kind),
        number=made.number,
        issued=made.issued_on,
        period=(made.supplied_on, made.supplied_on),
        currency=made.currency,
        seller=Seller(**party_of(made.seller)),
        buyer=Buyer(**made.buyer),
        lines=tuple(
            Line(description=line.description, detail=line.detail, net=line.net, tax=line.tax)
            for line in lines
        ),
        taxes=totals.taxes,
        net=totals.net,
        tax=totals.tax,
        gross=totals.gross,
        paid=paid,
        payable=totals.gross - paid,
        credited=None if credited is None else Credited(number=credited.number, issued=credited.issued_on),
        order_reference=made.reference,
    )
    return render(document, layout=made.seller["layout"]).pdf

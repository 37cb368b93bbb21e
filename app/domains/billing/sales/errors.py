"""What can go wrong with invoices of sales, as one sentence."""

from __future__ import annotations

from app.errors import NotFound


class SaleInvoiceNotFound(NotFound):
    """Raised for an id that no invoice of a sale has."""

    code = "sale_invoice_not_found"

    def __init__(self, *, sale_invoice_id: int) -> None:
        super().__init__(f"There is no invoice of a sale with the id {sale_invoice_id}.")

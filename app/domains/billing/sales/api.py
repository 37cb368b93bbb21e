"""HTTP routes of invoices of sales, for admins of the tenant that sells: they are made by what was sold."""

from fastapi import APIRouter, Depends, Request, Response

from app.db.sessions import reading
from app.domains.billing.invoices.sending.mailing import file_name
from app.domains.billing.owners import OF_ADMINS
from app.domains.billing.sales import listing, schemas
from app.domains.billing.sales.owners import SALE_OF_ADMINS
from app.domains.billing.scopes import READ
from app.http.pdf import AS_PDF, pdf_answer
from app.tokens.callers import require
from app.values.path_parameters import Cursor, Id, Limit

router = APIRouter(prefix="/api/v1/billing", tags=["invoices"])


@router.get("/tenants/{tenant_id}/sale-invoices", dependencies=[Depends(require(READ, OF_ADMINS))])
def list_sale_invoices(tenant_id: Id, limit: Limit = 50, cursor: Cursor = None) -> schemas.SaleInvoicePage:
    """Invoices of what was sold, and credit notes, whose numbers are not among those of other invoices."""
    with reading() as session:
        page = listing.page(session, tenant_id=tenant_id, before=cursor, limit=limit)
        rows = [schemas.SaleInvoiceView.of(row) for row in page.rows]
    return schemas.SaleInvoicePage(invoices=rows, next=page.next)


@router.get(
    "/sale-invoices/{sale_invoice_id}/pdf", dependencies=[Depends(require(READ, SALE_OF_ADMINS))], **AS_PDF
)
def get_sale_invoice_pdf(sale_invoice_id: Id, request: Request) -> Response:
    """The PDF of an invoice of a sale. Its ETag is its SHA-256."""
    with reading() as session:
        found = listing.sale_invoice(session, sale_invoice_id=sale_invoice_id)
        return pdf_answer(request, lambda: found.content, sha256=found.sha256, name=file_name(found))

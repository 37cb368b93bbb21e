"""HTTP routes of invoices: make, list, look, download, send, pay, credit, cancel."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response, status

from app.db.sessions import reading, transaction
from app.domains.billing.invoices import listing, payments, schemas, taking_back
from app.domains.billing.invoices.finding import invoice_of
from app.domains.billing.invoices.generating.generation import request
from app.domains.billing.invoices.models import InvoiceState
from app.domains.billing.invoices.owners import INVOICE_OF_ADMINS
from app.domains.billing.invoices.sending import mailing, printed
from app.domains.billing.scopes import READ, WRITE
from app.http.pdf import AS_PDF, pdf_answer
from app.settings.business_clock import business_now
from app.tokens.callers import Caller, require
from app.tokens.owners import IN_QUERY
from app.values.path_parameters import Cursor, Id, IdInQuery, Limit

router = APIRouter(prefix="/api/v1", tags=["invoices"])
may_read = Depends(require(READ, INVOICE_OF_ADMINS))
may_write = Depends(require(WRITE, INVOICE_OF_ADMINS))
Reader = Annotated[Caller, Depends(require(READ, IN_QUERY))]
Maker = Annotated[Caller, Depends(require(WRITE, IN_QUERY))]
Month = Annotated[
    str | None,
    Query(max_length=20, description="YYYY-MM; if left out, the last month that is over."),
]
Tenant = Annotated[IdInQuery, Query(description="Whose; if left out, of all whose admin the caller is.")]


@router.post("/invoices/generate", status_code=status.HTTP_202_ACCEPTED)
def generate_invoices(
    caller: Maker, response: Response, period: Month = None, tenant_id: Tenant = None
) -> schemas.Queued:
    """Have the invoices of a month made as drafts. What was credited or canceled of it is made again."""
    with transaction() as session:
        whose = listing.tenant_to_charge(session, tenant_id=tenant_id, only_user=caller.only_user)
        job_id = request(session, period=period, tenant_id=whose, now=business_now())
    return _queued(job_id, response)


@router.get("/invoices")
def list_invoices(
    caller: Reader,
    tenant_id: Tenant = None,
    client_id: IdInQuery = None,
    state: InvoiceState | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> schemas.InvoicePage:
    """Invoices and credit notes; of a person who signed in, those of tenants whose admin they are."""
    with reading() as session:
        wanted = listing.Wanted(
            only_user=caller.only_user, tenant_id=tenant_id, client_id=client_id, state=state
        )
        page = listing.page(session, wanted, before=cursor, limit=limit)
        rows = [schemas.InvoiceView.of(row) for row in page.rows]
    return schemas.InvoicePage(invoices=rows, next=page.next)


@router.get("/invoices/{invoice_id}", dependencies=[may_read])
def get_invoice(invoice_id: Id) -> schemas.WholeInvoice:
    """One invoice with its lines, taxes and payments."""
    with reading() as session:
        invoice = invoice_of(session, invoice_id=invoice_id)
        return schemas.WholeInvoice.whole(listing.whole(session, invoice))


@router.get("/invoices/{invoice_id}/pdf", dependencies=[may_read], **AS_PDF)
def get_pdf(invoice_id: Id, request: Request) -> Response:
    """The PDF: of what was sent, what was sent; of a draft, how it is now. Its ETag is its SHA-256."""
    with reading() as session:
        invoice = invoice_of(session, invoice_id=invoice_id)
        pdf, name = printed.pdf_now(session, invoice), mailing.file_name(invoice)
    return pdf_answer(request, lambda: pdf.content, sha256=pdf.sha256, name=name)


@router.post("/invoices/{invoice_id}/send", dependencies=[may_write], status_code=status.HTTP_202_ACCEPTED)
def send_invoice(invoice_id: Id, response: Response) -> schemas.Queued:
    """Have a draft mailed now; it is marked as sent when its mail went out."""
    with transaction() as session:
        return _queued(mailing.request(session, invoice_id=invoice_id), response)


@router.post("/invoices/{invoice_id}/payments", dependencies=[may_write], status_code=status.HTTP_201_CREATED)
def record_payment(invoice_id: Id, given: schemas.NewPayment) -> schemas.PaymentView:
    """Note that money came for an invoice; the same key again is the same payment."""
    with transaction() as session:
        payment = payments.record(
            session,
            invoice_id=invoice_id,
            key=given.key,
            amount=given.minor,
            currency=given.currency,
            received_on=given.received_on,
            now=business_now(),
        )
        return schemas.PaymentView.of(payment, currency=given.currency)


@router.post("/invoices/{invoice_id}/paid", dependencies=[may_write])
def mark_paid(invoice_id: Id, given: schemas.Settlement) -> schemas.InvoiceView:
    """Note that all that was due of an invoice came."""
    with transaction() as session:
        invoice = payments.pay_rest(
            session, invoice_id=invoice_id, received_on=given.received_on, now=business_now()
        )
        return schemas.InvoiceView.of(invoice)


@router.post("/invoices/{invoice_id}/credit", dependencies=[may_write], status_code=status.HTTP_201_CREATED)
def credit_invoice(invoice_id: Id) -> schemas.InvoiceView:
    """Credit an invoice that was sent: its time can be charged again. The answer is the credit note."""
    with transaction() as session:
        return schemas.InvoiceView.of(taking_back.credit(session, invoice_id=invoice_id, now=business_now()))


@router.post("/invoices/{invoice_id}/cancel", dependencies=[may_write])
def cancel_invoice(invoice_id: Id) -> schemas.InvoiceView:
    """Cancel a draft, which keeps its number: its time can be charged again."""
    with transaction() as session:
        return schemas.InvoiceView.of(taking_back.cancel(session, invoice_id=invoice_id, now=business_now()))


def _queued(job_id: str, response: Response) -> schemas.Queued:
    status_url = f"{router.prefix}/tasks/{job_id}"
    response.headers["Location"] = status_url
    return schemas.Queued(task_id=job_id, status_url=status_url)

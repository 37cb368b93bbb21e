"""HTTP routes of orders: a buyer places, sees and cancels them; who operates the service notes money."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response, status

from app.db.sessions import reading, transaction
from app.domains.billing.service import InvoiceKind, file_name
from app.domains.marketplace.orders import invoicing, listing, placing, schemas, settling
from app.domains.marketplace.orders.models import OrderState
from app.domains.marketplace.owners import OF_BUYER
from app.domains.marketplace.scopes import READ, SETTLE, WRITE
from app.http.pdf import AS_PDF, pdf_answer
from app.settings.business_clock import business_now
from app.tokens.callers import Caller, require
from app.tokens.owners import BY_SCOPE, IN_QUERY
from app.values.path_parameters import Cursor, Id, Limit

router = APIRouter(prefix="/api/v1/marketplace/orders", tags=["marketplace"])
Reader = Annotated[Caller, Depends(require(READ, IN_QUERY))]
Buyer = Annotated[Caller, Depends(require(WRITE, IN_QUERY))]
may_read = Depends(require(READ, OF_BUYER))
may_write = Depends(require(WRITE, OF_BUYER))
may_settle = Depends(require(SETTLE, BY_SCOPE))


@router.post("", status_code=status.HTTP_201_CREATED)
def place_order(new: schemas.NewOrder, caller: Buyer) -> schemas.WholeOrder:
    """Order licences; a person who signed in, for themselves. The same key again is the same order."""
    user_id = placing.buyer(new.user_id or caller.user_id, only_user=caller.only_user)
    with transaction() as session:
        order = placing.place(session, user_id=user_id, key=new.key, wanted=new.wanted, now=business_now())
        return schemas.WholeOrder.whole(listing.whole(session, order))


@router.get("")
def list_orders(
    caller: Reader, state: OrderState | None = None, limit: Limit = 50, cursor: Cursor = None
) -> schemas.OrderPage:
    """The orders of a person who signed in; for an administrator or a token, all."""
    with reading() as session:
        page = listing.page(session, only_user=caller.only_user, state=state, before=cursor, limit=limit)
        rows = [schemas.OrderView.of(row) for row in page.rows]
    return schemas.OrderPage(orders=rows, next=page.next)


@router.get("/{order_id}", dependencies=[may_read])
def get_order(order_id: Id) -> schemas.WholeOrder:
    """An order with its lines, and what came for it."""
    with reading() as session:
        order = listing.order_of(session, order_id=order_id)
        return schemas.WholeOrder.whole(listing.whole(session, order))


@router.get("/{order_id}/invoice", dependencies=[may_read], **AS_PDF)
def get_invoice(order_id: Id, request: Request) -> Response:
    """The PDF of the invoice of an order that was paid. Its ETag is its SHA-256."""
    return _pdf(request, order_id=order_id, kind=InvoiceKind.INVOICE)


@router.get("/{order_id}/credit-note", dependencies=[may_read], **AS_PDF)
def get_credit_note(order_id: Id, request: Request) -> Response:
    """The PDF that takes back the invoice of an order that was refunded. Its ETag is its SHA-256."""
    return _pdf(request, order_id=order_id, kind=InvoiceKind.CREDIT_NOTE)


@router.post("/{order_id}/cancel", dependencies=[may_write])
def cancel_order(order_id: Id) -> schemas.OrderView:
    """Take back an order that was not paid."""
    with transaction() as session:
        return schemas.OrderView.of(settling.cancel(session, order_id=order_id, now=business_now()))


@router.post("/{order_id}/payments", dependencies=[may_settle])
def record_payment(order_id: Id, given: schemas.NewPayment) -> schemas.Standing:
    """Note that an order was paid, in one sum: its licences are issued and mailed."""
    with transaction() as session:
        order = settling.record(session, order_id=order_id, money=given.money, now=business_now())
        return schemas.Standing.of(order)


@router.post("/{order_id}/refund", dependencies=[may_settle])
def refund_order(order_id: Id) -> schemas.Standing:
    """Note that all that was paid went back: the licences are good no more."""
    with transaction() as session:
        return schemas.Standing.of(settling.refund(session, order_id=order_id, now=business_now()))


def _pdf(request: Request, *, order_id: int, kind: InvoiceKind) -> Response:
    with reading() as session:
        found = invoicing.invoice(session, order_id=order_id, kind=kind)
        return pdf_answer(request, lambda: found.content, sha256=found.sha256, name=file_name(found))

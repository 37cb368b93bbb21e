"""Numbers of invoices and credit notes: without gaps, whoever makes them at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from app.db.upsert import insert_or_update
from app.domains.billing.invoices.errors import NumberTaken
from app.domains.billing.invoices.models import Invoice, InvoiceCounter
from app.domains.billing.sales.models import SaleInvoice

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy.orm import Session

    from app.domains.billing.models import Tenant

#: Digits of a number at least, so that lists of a tenant's first ten thousand sort as they were made.
DIGITS = 4


class Number(NamedTuple):
    """A number, and what it was made of."""

    text: str
    year: int
    sequence: int


def take_numbers(session: Session, tenant: Tenant, *, day: date, count: int) -> list[Number]:
    """The next numbers of a tenant, for invoices of that day. Raises `NumberTaken`.

    The counter is locked until the transaction ends, so this comes last: what is undone gives its numbers
    back, and what is made meanwhile waits.
    """
    year = day.year if tenant.is_numbered_by_year else 0
    counting = insert_or_update(session, InvoiceCounter).values(tenant_id=tenant.id, year=year, last=count)
    counted = counting.on_conflict_do_update(
        index_elements=[InvoiceCounter.tenant_id, InvoiceCounter.year],
        set_={"last": InvoiceCounter.last + count},
    )
    last = session.execute(counted.returning(InvoiceCounter.last)).scalar_one()
    numbers = [_number(tenant, year=year, sequence=last - count + place) for place in range(1, count + 1)]
    _refuse_taken(session, tenant_id=tenant.id, numbers=[number.text for number in numbers])
    return numbers


def _number(tenant: Tenant, *, year: int, sequence: int) -> Number:
    of_year = f"{year}-" if year else ""
    return Number(f"{tenant.number_prefix}{of_year}{sequence:0{DIGITS}}", year, sequence)


def _refuse_taken(session: Session, *, tenant_id: int, numbers: list[str]) -> None:
    for table in (Invoice, SaleInvoice):
        taken = select(table.number).where(table.tenant_id == tenant_id, table.number.in_(numbers))
        number = session.scalar(taken.limit(1))
        if number is not None:
            raise NumberTaken(number=number, tenant_id=tenant_id)

"""What billing holds about people: the businesses that they run, whom those bill, and for what."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, cast, literal, select
from sqlalchemy.orm import aliased

from app.domains.billing.invoices.models import (
    Invoice,
    InvoiceCounter,
    InvoiceDocument,
    InvoiceLine,
    InvoiceState,
    InvoiceTax,
    LineEntry,
    Payment,
    UnusedHours,
)
from app.domains.billing.models import BillingRule, Client, Project, Role, Tenant, TenantMember
from app.domains.billing.sales.models import SaleInvoice
from app.personal_data.declaration import (
    Anonymise,
    Declaration,
    Delete,
    Exemption,
    Keep,
    PersonalTable,
    Stage,
    Subject,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from app.db.columns import Base

    #: Given tenants, a condition for what belongs to them.
    Among = Callable[[Select[int]], ColumnElement[bool]]

KEPT = Keep(
    "Invoices, their documents and what they are made of are kept as long as tax and commercial law "
    "requires, ten years as a rule (GDPR, Article 17(3)(b))."
)
PRINTED = "It is the PDF of the invoice, which can be downloaded as such."
STAYING = (
    "Other people run the business, or it has invoices, which name it and have to be kept as long as tax and "
    "commercial law requires (GDPR, Article 17(3)(b))."
)
_INVOICES = (Invoice, SaleInvoice)
OPEN = (InvoiceState.SENT, InvoiceState.PARTIAL, InvoiceState.OVERDUE)


def _own(who: Subject) -> Select[int]:
    """The businesses that the person runs; of one that they only work for, the clients are not theirs."""
    return select(TenantMember.tenant_id).where(
        TenantMember.user_id == who.user_id, TenantMember.role == Role.ADMIN
    )


def _shared(who: Subject) -> Select[int]:
    member = aliased(TenantMember)
    return select(member.tenant_id).where(member.user_id != who.user_id, member.tenant_id.in_(_own(who)))


def _staying(who: Subject) -> Select[Any]:
    invoicing = (select(table.tenant_id).where(table.tenant_id.in_(_own(who))) for table in _INVOICES)
    return _shared(who).union(*invoicing)  # type: ignore[return-value]


def _clients(tenants: Select[int]) -> Select[int]:
    return select(Client.id).where(Client.tenant_id.in_(tenants))


def _invoices(tenants: Select[int]) -> Select[int]:
    return select(Invoice.id).where(Invoice.tenant_id.in_(tenants))


def _of_business(
    model: type[Base], among: Among, columns: Mapping[str, Any], stage: Stage = Stage.CONTENT
) -> PersonalTable:
    return PersonalTable(
        model=model,
        rows=lambda who: among(_own(who)),
        erasure=Anonymise(columns),
        but=Exemption(rows=lambda who: among(_staying(who)), reason=STAYING),
        stage=stage,
    )


def _of_invoices(
    model: type[Base], among: Among, withheld: Mapping[str, str] = MappingProxyType({})
) -> PersonalTable:
    return PersonalTable(model=model, rows=lambda who: among(_own(who)), erasure=KEPT, withheld=withheld)


def _obligations(session: Session, subject: Subject) -> Iterator[str]:
    others = aliased(TenantMember)
    admins = select(others.user_id).where(
        others.tenant_id == TenantMember.tenant_id,
        others.role == Role.ADMIN,
        others.user_id != subject.user_id,
    )
    alone = select(TenantMember.tenant_id).where(
        TenantMember.user_id == subject.user_id, TenantMember.role == Role.ADMIN, ~admins.exists()
    )
    shared = alone.where(TenantMember.tenant_id.in_(_shared(subject))).order_by(TenantMember.tenant_id)
    for tenant_id in session.scalars(shared):
        yield f"Tenant {tenant_id} has other members and no other admin; make one of them its admin first."
    unpaid = select(Invoice.number, Invoice.tenant_id).where(
        Invoice.tenant_id.in_(alone), Invoice.state.in_(OPEN)
    )
    for number, tenant_id in session.execute(unpaid.order_by(Invoice.id).limit(1)):
        yield (
            f"Invoice {number} of tenant {tenant_id}, which nobody else runs, is not paid; record a payment "
            "or credit it, and so all others that are open, or make somebody else an admin of the tenant."
        )


DECLARATION = Declaration(
    tables=(
        PersonalTable(
            model=TenantMember,
            rows=lambda who: TenantMember.user_id == who.user_id,
            erasure=Delete(),
            stage=Stage.MEMBERSHIPS,
        ),
        _of_business(
            Tenant,
            Tenant.id.in_,
            dict.fromkeys(("name", "address", "email"), "erased") | dict.fromkeys(("tax_number", "iban")),
            Stage.ROOTS,
        ),
        _of_business(
            Client,
            lambda of: Client.tenant_id.in_(of),
            dict.fromkeys(("address", "email"), "erased")
            | {"name": literal("Erased ") + cast(Client.id, Text), "tax_number": None},
        ),
        _of_business(
            Project,
            lambda of: Project.client_id.in_(_clients(of)),
            {"name": literal("Erased ") + cast(Project.id, Text)},
        ),
        _of_business(BillingRule, lambda of: BillingRule.client_id.in_(_clients(of)), {"tax_reason": None}),
        _of_invoices(Invoice, lambda of: Invoice.tenant_id.in_(of)),
        _of_invoices(InvoiceCounter, lambda of: InvoiceCounter.tenant_id.in_(of)),
        _of_invoices(InvoiceLine, lambda of: InvoiceLine.invoice_id.in_(_invoices(of))),
        _of_invoices(InvoiceTax, lambda of: InvoiceTax.invoice_id.in_(_invoices(of))),
        _of_invoices(
            InvoiceDocument,
            lambda of: InvoiceDocument.invoice_id.in_(_invoices(of)),
            {"content": PRINTED},
        ),
        PersonalTable(
            model=SaleInvoice,
            rows=lambda who: SaleInvoice.tenant_id.in_(_own(who)) | (SaleInvoice.user_id == who.user_id),
            erasure=KEPT,
            withheld={"content": PRINTED},
        ),
        _of_invoices(Payment, lambda of: Payment.invoice_id.in_(_invoices(of))),
        _of_invoices(LineEntry, lambda of: LineEntry.invoice_id.in_(_invoices(of))),
        _of_invoices(
            UnusedHours,
            lambda of: UnusedHours.rule_id.in_(
                select(BillingRule.id).where(BillingRule.client_id.in_(_clients(of)))
            ),
        ),
    ),
    obligations=_obligations,
)

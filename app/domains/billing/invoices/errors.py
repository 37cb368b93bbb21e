"""What can go wrong with invoices, each as one sentence with its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import Conflict, InvalidInput, NotFound
from app.jobs.errors import PermanentError
from app.values.money import shown

if TYPE_CHECKING:
    from datetime import date

    from app.domains.billing.charging.periods import Period
    from app.domains.billing.invoices.models import Invoice


class InvoiceNotFound(NotFound):
    """Raised for an id that no invoice has."""

    code = "invoice_not_found"

    def __init__(self, *, invoice_id: int) -> None:
        super().__init__(f"There is no invoice with the id {invoice_id}.")


class PaymentNotFound(NotFound):
    """Raised for an id that no payment has."""

    code = "payment_not_found"

    def __init__(self, *, payment_id: int) -> None:
        super().__init__(f"There is no payment with the id {payment_id}.")


class PeriodNotOver(InvalidInput):
    """Raised for a month of which there is work to come."""

    code = "period_not_over"

    def __init__(self, *, period: Period) -> None:
        super().__init__(
            f"The month {period} is not over anywhere yet. Invoices are made of months that are: "
            "give an earlier one, or none for the last."
        )


class NumberTaken(Conflict):
    """Raised for a number that an invoice got before the tenant numbered in another way."""

    code = "invoice_number_taken"

    def __init__(self, *, number: str, tenant_id: int) -> None:
        super().__init__(
            f"Tenant {tenant_id} has an invoice {number} already, from another way of numbering. "
            "Give the tenant a prefix for its numbers that it did not have before."
        )


class WrongState(Conflict):
    """Raised when the state of an invoice does not allow what was asked."""

    code = "wrong_invoice_state"

    def __init__(self, invoice: Invoice, *, wanted: str) -> None:
        super().__init__(f"{_named(invoice)} is {invoice.state}; {wanted}.")


class MailUnderWay(Conflict):
    """Raised when a draft is to be changed that may have been mailed."""

    code = "invoice_mail_under_way"

    def __init__(self, invoice: Invoice) -> None:
        super().__init__(
            f"{_named(invoice)} is being mailed. Wait until it is sent, and credit it then; "
            "groundwork deliveries list shows what holds the mail up."
        )


class WrongCurrency(InvalidInput):
    """Raised for a payment in another currency than the invoice's."""

    code = "wrong_currency"

    def __init__(self, invoice: Invoice, *, currency: str) -> None:
        super().__init__(
            f"{_named(invoice)} is in {invoice.currency}, and the payment in {currency}. "
            f"Give what arrived in {invoice.currency}."
        )


class NothingPaid(InvalidInput):
    """Raised for a payment of nothing, or of less."""

    code = "nothing_paid"

    def __init__(self, *, amount: int, currency: str) -> None:
        super().__init__(
            f"{shown(amount, currency)} is no payment: give an amount above zero. "
            "What is to be paid back is a credit note."
        )


class MoreThanDue(InvalidInput):
    """Raised for a payment above what is due, which is another invoice's or a mistake."""

    code = "more_than_due"

    def __init__(self, invoice: Invoice, *, amount: int) -> None:
        due = shown(invoice.gross - invoice.paid, invoice.currency)
        super().__init__(
            f"{shown(amount, invoice.currency)} is more than the {due} due of {_named(invoice)}. "
            "Give what belongs to this invoice, and the rest to the one that it is for."
        )


class PaidBeforeIssue(InvalidInput):
    """Raised for money that came before the invoice, or has not come yet."""

    code = "payment_date_not_allowed"

    def __init__(self, invoice: Invoice, *, received_on: date, today: date) -> None:
        super().__init__(
            f"{_named(invoice)} cannot have been paid on {received_on}: give a day from its month, "
            f"{invoice.period}, until today, {today}."
        )


class KeyOfAnotherPayment(Conflict):
    """Raised for the key of a payment that was another one."""

    code = "key_of_another_payment"

    def __init__(self, invoice: Invoice, *, key: str) -> None:
        super().__init__(
            f'The key "{key}" names another payment of {_named(invoice)}. Give each payment a key of its own.'
        )


class WhichTenant(InvalidInput):
    """Raised when somebody who is an admin of several tenants, or none, does not say which."""

    code = "which_tenant"

    def __init__(self, *, tenant_ids: list[int]) -> None:
        listed = ", ".join(map(str, tenant_ids)) or "none"
        super().__init__(f"Say whose invoices are to be made, as tenant_id. You are an admin of: {listed}.")


class NobodyToMail(PermanentError):
    """Raised when the address of a client gets no mail any more."""

    code = "nobody_to_mail"

    def __init__(self, invoice: Invoice, *, address: str, problem: str) -> None:
        super().__init__(
            f"{_named(invoice)} was not mailed to {address}: {problem} Correct the client's address, "
            f"or run: groundwork mail unsuppress {address}"
        )


def _named(invoice: Invoice) -> str:
    kind = "Credit note" if invoice.kind == "credit_note" else "Invoice"
    return f"{kind} {invoice.number}"

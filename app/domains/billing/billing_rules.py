"""Billing rules of clients, of which two never say what the same work costs on one day.

All of it is under the lock of the client's row. Nothing here commits: the caller's transaction decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select

from app.db.pages import cut
from app.domains.billing.charging.periods import Period
from app.domains.billing.clients import client, open_client
from app.domains.billing.errors import (
    ProjectOfAnotherClient,
    RuleCharged,
    RuleChargedUntil,
    RuleInForce,
    RuleNotFound,
)
from app.domains.billing.invoices.models import Invoice, InvoiceKind, InvoiceLine, InvoiceState
from app.domains.billing.models import BillingRule, Project
from app.domains.billing.stored_rules import rule_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from app.db.pages import Page

#: An invoice in one of these charges nothing any more.
_TAKEN_BACK = (InvoiceState.CREDITED, InvoiceState.CANCELED)


def add(session: Session, *, client_id: int, columns: Mapping[str, Any]) -> BillingRule:
    """A rule for a client. Raises `ClientNotFound`, `ClientEnded`, `RuleInForce`, and as `rule_of` does."""
    open_client(session, client_id=client_id)
    made = BillingRule(client_id=client_id, **columns)
    _check(session, made)
    session.add(made)
    session.flush()
    return made


def rule(session: Session, *, rule_id: int) -> BillingRule:
    """The rule. Raises `RuleNotFound`."""
    found = session.get(BillingRule, rule_id)
    if found is None:
        raise RuleNotFound(rule_id=rule_id)
    return found


def replace(session: Session, *, rule_id: int, columns: Mapping[str, Any]) -> BillingRule:
    """Say anew what work costs. Raises `RuleNotFound`, `RuleCharged`, and as `add` does."""
    found = _locked(session, rule_id=rule_id)
    if number := session.scalar(_invoices_with(found).with_only_columns(Invoice.number).limit(1)):
        raise RuleCharged(rule_id=rule_id, number=number)
    with session.no_autoflush:
        for name, value in columns.items():
            setattr(found, name, value)
        _check(session, found)
    session.flush()
    return found


def end(session: Session, *, rule_id: int, effective_to: date | None) -> BillingRule:
    """Have a rule be in force until that day, or for good. What it charged stays as it is.

    Raises `RuleNotFound`, `RuleChargedUntil`, and as `add` does.
    """
    found = _locked(session, rule_id=rule_id)
    if effective_to != found.effective_to:
        _check_charged(session, found, effective_to=effective_to)
        with session.no_autoflush:
            found.effective_to = effective_to
            _check(session, found)
        session.flush()
    return found


def remove(session: Session, *, rule_id: int) -> None:
    """Forget a rule that nothing was charged by. Raises `RuleNotFound` and `RuleCharged`."""
    found = _locked(session, rule_id=rule_id)
    if number := session.scalar(_invoices_with(found).with_only_columns(Invoice.number).limit(1)):
        raise RuleCharged(rule_id=rule_id, number=number)
    session.delete(found)
    session.flush()


def page_of_rules(session: Session, *, client_id: int, after: int | None, limit: int) -> Page:
    """A client's rules in the order in which they came. Raises `ClientNotFound`."""
    client(session, client_id=client_id)
    rows = select(BillingRule).where(BillingRule.client_id == client_id, BillingRule.id > (after or 0))
    return cut(session, rows.order_by(BillingRule.id), limit=limit)


def _locked(session: Session, *, rule_id: int) -> BillingRule:
    """The rule as it is once its client is locked."""
    client(session, client_id=rule(session, rule_id=rule_id).client_id, lock=True)
    found = session.get(BillingRule, rule_id, populate_existing=True)
    if found is None:
        raise RuleNotFound(rule_id=rule_id)
    return found


def _check(session: Session, row: BillingRule) -> None:
    """Raise unless `row` is a rule, for a project of its client, and no other is in force on its days."""
    rule_of(row)
    if row.project_id is not None:
        project = session.get(Project, row.project_id)
        if project is None or project.client_id != row.client_id:
            raise ProjectOfAnotherClient(project_id=row.project_id, client_id=row.client_id)
    other = session.scalars(_sharing_a_day(row)).first()
    if other is not None:
        raise RuleInForce(
            rule_id=other.id,
            project_id=other.project_id,
            since=other.effective_from,
            until=other.effective_to,
        )


def _sharing_a_day(row: BillingRule) -> Select[BillingRule]:
    found = select(BillingRule).where(
        BillingRule.client_id == row.client_id,
        BillingRule.project_id == row.project_id
        if row.project_id is not None
        else BillingRule.project_id.is_(None),
        or_(BillingRule.effective_to.is_(None), BillingRule.effective_to >= row.effective_from),
    )
    if row.effective_to is not None:
        found = found.where(BillingRule.effective_from <= row.effective_to)
    if row.id is not None:
        found = found.where(BillingRule.id != row.id)
    return found.order_by(BillingRule.effective_from).limit(1)


def _invoices_with(row: BillingRule) -> Select[Invoice]:
    """The invoices and credit notes that the rule stands on; found by its client, which has an index."""
    return (
        select(Invoice)
        .join(InvoiceLine, InvoiceLine.invoice_id == Invoice.id)
        .where(Invoice.client_id == row.client_id, InvoiceLine.rule_id == row.id)
    )


def _check_charged(session: Session, row: BillingRule, *, effective_to: date | None) -> None:
    """Raise `RuleChargedUntil` where the end, as it is or as it is to be, lies in what was charged."""
    charging = _invoices_with(row).where(
        Invoice.kind == InvoiceKind.INVOICE, Invoice.state.not_in(_TAKEN_BACK)
    )
    last = session.scalars(charging.order_by(Invoice.period.desc()).limit(1)).first()
    if last is None:
        return
    day = Period.parse(last.period).last
    if any(end is not None and end < day for end in (row.effective_to, effective_to)):
        raise RuleChargedUntil(rule_id=row.id, number=last.number, day=day)

"""Keeps the bills of a household. Nothing here commits: the caller's transaction decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.db.pages import cut
from app.domains.banking.models import Bill, BillRule
from app.domains.banking.planning.due import due_after, on_day
from app.domains.banking.planning.errors import BillNotFound, DueDayDiffers, NotDueThen
from app.domains.banking.service import household_of

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy.orm import Session

    from app.db.pages import Page


FIRST = 1


@dataclass(frozen=True, kw_only=True)
class BillFacts:
    """A bill as a person describes it; `amount` in minor units of `currency`."""

    name: str
    amount: int
    currency: str
    rule: BillRule
    next_due: date | None
    autopay: bool
    #: The day of the month to keep to; None is that of `next_due`.
    due_day: int | None = None


def bills_of(session: Session, *, household_id: int, after: int | None, limit: int) -> Page:
    """Bills in the order in which they came. Raises `HouseholdNotFound`."""
    household_of(session, household_id=household_id)
    statement = select(Bill).where(Bill.household_id == household_id, Bill.id > (after or 0))
    return cut(session, statement.order_by(Bill.id), limit=limit)


def bill(session: Session, *, household_id: int, bill_id: int, lock: bool = False) -> Bill:
    """One bill of the household. Raises `BillNotFound`."""
    statement = select(Bill).where(Bill.id == bill_id, Bill.household_id == household_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise BillNotFound(bill_id=bill_id, household_id=household_id)
    return found


def add(session: Session, *, household_id: int, facts: BillFacts) -> Bill:
    """Keep a new bill. Raises `HouseholdNotFound` or `DueDayDiffers`."""
    household_of(session, household_id=household_id)
    made = Bill(household_id=household_id)
    _describe(made, facts)
    session.add(made)
    session.flush()
    return made


def change(session: Session, *, household_id: int, bill_id: int, facts: BillFacts) -> Bill:
    """Describe a bill anew; without a due day it keeps its own as long as that fits.

    Raises `BillNotFound` or `DueDayDiffers`.
    """
    found = bill(session, household_id=household_id, bill_id=bill_id, lock=True)
    _describe(found, facts)
    session.flush()
    return found


def remove(session: Session, *, household_id: int, bill_id: int) -> None:
    """Forget a bill; what was told of it stays. Raises `BillNotFound`."""
    session.delete(bill(session, household_id=household_id, bill_id=bill_id, lock=True))


def mark_paid(session: Session, *, household_id: int, bill_id: int, due: date) -> Bill:
    """Note that what was due on `due` is paid: the bill is due again as its rule says.

    Said twice, it counts once. Raises `BillNotFound`, or `NotDueThen` for a day still to come.
    """
    found = bill(session, household_id=household_id, bill_id=bill_id, lock=True)
    if found.next_due is None or due < found.next_due:
        return found
    if due > found.next_due:
        raise NotDueThen(name=found.name, due=due, next_due=found.next_due)
    found.next_due = due_after(due, rule=BillRule(found.rule), due_day=found.due_day)
    session.flush()
    return found


def _describe(described: Bill, facts: BillFacts) -> None:
    described.name, described.amount, described.currency = facts.name, facts.amount, facts.currency
    described.rule, described.autopay, described.next_due = facts.rule, facts.autopay, facts.next_due
    described.due_day = _due_day(facts, kept=described.due_day)


def _due_day(facts: BillFacts, *, kept: int | None) -> int:
    if facts.next_due is None:
        return facts.due_day or kept or FIRST
    if facts.due_day is None:
        # The 28 February of a bill of the 31st is no wish for the 28th.
        return kept if kept is not None and _falls_on(kept, facts.next_due) else facts.next_due.day
    monthly = facts.rule not in (BillRule.ONCE, BillRule.WEEKLY)
    if monthly and not _falls_on(facts.due_day, facts.next_due):
        raise DueDayDiffers(due_day=facts.due_day, next_due=facts.next_due)
    return facts.due_day


def _falls_on(day: int, due: date) -> bool:
    return on_day(day, year=due.year, month=due.month) == due

"""Reminds members of bills: once for each bill, due date, member and lead.

Members are told from nine o'clock on, by the clock of their own zone. Whatever runs this runs it often,
because nine o'clock comes at many moments; what was told is not told again, and what an outage delayed
is told in the rest of the member's day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Row, or_, select, tuple_

from app.domains.accounts.service import clocks
from app.domains.banking.models import Bill, Household, HouseholdMember
from app.domains.banking.planning import wording
from app.domains.notifications.facts import Notice
from app.domains.notifications.service import notify_all
from app.settings.business_clock import local_time
from app.values.money import shown

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint


TYPE = "bill_reminder"
TIME_OF_DAY = time(9)
#: Days before the due date on which a member is told; below zero days after it.
LEADS = (3, 1, 0, -1, -7)
#: A bill that pays itself is told of on the day before only.
AUTOPAY_LEAD = 1
#: Reminders in one transaction.
CHUNK = 500


@dataclass(frozen=True, kw_only=True)
class Reminded:
    """What a run did: the reminders that were due, and those of them that were new."""

    due: int = 0
    sent: int = 0


class _Key(NamedTuple):
    bill_id: int = 0
    user_id: int = 0


def send_bill_reminders(
    session: Session,
    *,
    now: datetime,
    commit: Checkpoint,
    chunk: int = CHUNK,
) -> Reminded:
    """Remind every member for whom it is past nine; `commit` ends the transaction of each chunk."""
    done = Reminded()
    for today, zones in _days(_zones(session), now=now).items():
        after = _Key()
        while True:
            rows = session.execute(_due(today, zones, after=after).limit(chunk)).all()
            if not rows:
                break
            told = notify_all(session, [_notice(row, today=today) for row in rows], now=now)
            done = Reminded(due=done.due + len(rows), sent=done.sent + len(told.new))
            after = _Key(rows[-1].bill_id, rows[-1].user_id)
            commit({"due": done.due, "sent": done.sent})
    return done


def _zones(session: Session) -> list[str]:
    clock = clocks()
    members = select(clock.c.timezone).join(HouseholdMember, HouseholdMember.user_id == clock.c.user_id)
    return list(session.scalars(members.distinct()))


def _days(zones: Iterable[str], *, now: datetime) -> dict[date, list[str]]:
    """The zones where it is past nine, by what day it is there."""
    found: dict[date, list[str]] = {}
    for zone in zones:
        here = local_time(now, timezone=zone)
        if here.time() >= TIME_OF_DAY:
            found.setdefault(here.date(), []).append(zone)
    return found


def _due(today: date, zones: list[str], *, after: _Key) -> Select[*tuple[Any, ...]]:
    days = [today + timedelta(days=lead) for lead in LEADS]
    eve = today + timedelta(days=AUTOPAY_LEAD)
    clock = clocks()
    return (
        select(
            Bill.id.label("bill_id"),
            clock.c.user_id,
            Bill.name,
            Bill.amount,
            Bill.currency,
            Bill.next_due,
            Bill.autopay,
            Bill.household_id,
            Household.name.label("household"),
        )
        .join(Household, Household.id == Bill.household_id)
        .join(HouseholdMember, HouseholdMember.household_id == Bill.household_id)
        .join(clock, clock.c.user_id == HouseholdMember.user_id)
        .where(
            Bill.next_due.in_(days),
            or_(Bill.autopay.is_(False), Bill.next_due == eve),
            clock.c.timezone.in_(zones),
            # The first is implied by the second; an index can serve it.
            Bill.id >= after.bill_id,
            tuple_(Bill.id, clock.c.user_id) > tuple_(after.bill_id, after.user_id),
        )
        .order_by(Bill.id, clock.c.user_id)
    )


def _notice(row: Row[*tuple[Any, ...]], *, today: date) -> Notice:
    lead = (row.next_due - today).days
    amount = shown(row.amount, row.currency)
    return Notice(
        key=f"bill:{row.bill_id}:{row.next_due.isoformat()}:{row.user_id}:{lead}",
        user_id=row.user_id,
        type=TYPE,
        title=wording.bill_title(name=row.name, lead=lead, autopay=row.autopay),
        body=wording.bill_body(
            name=row.name,
            household=row.household,
            amount=amount,
            due=row.next_due,
            lead=lead,
            autopay=row.autopay,
        ),
        data={
            "household_id": row.household_id,
            "bill_id": row.bill_id,
            "due": row.next_due.isoformat(),
            "amount": row.amount,
            "currency": row.currency,
        },
    )

"""Tells members when a budget's thresholds are reached: once for each budget, period, threshold and member.

Of the thresholds that are reached only the highest is told; those below it count as told with it. So does
a threshold that is reached again in the same period, after a refund or a change of the budget.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, case, select

from app.domains.accounts.service import clocks
from app.domains.banking.models import Budget, Category, HouseholdMember, Period, Role
from app.domains.banking.planning import wording
from app.domains.banking.planning.periods import Span, span_of
from app.domains.banking.planning.spending import spent_on
from app.domains.notifications.facts import Notice
from app.domains.notifications.service import known_keys, notify_all
from app.settings.business_clock import local_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.db.checkpoint import Checkpoint


TYPE = "budget_alert"
#: Budgets in one transaction.
CHUNK = 200


@dataclass(frozen=True, kw_only=True)
class Alerted:
    """What a check did: the budgets it looked at, and the alerts it sent."""

    checked: int = 0
    sent: int = 0


@dataclass(frozen=True, kw_only=True)
class _Members:
    """Who is told, and by whose clock the household's days begin: the first admin's."""

    user_ids: list[int]
    timezone: str


@dataclass(frozen=True, kw_only=True)
class _Alert:
    notice: Notice
    #: The keys of those that tell as much or more.
    told_by: set[str]


def check_budget_alerts(
    session: Session,
    *,
    now: datetime,
    commit: Checkpoint,
    household_id: int | None = None,
    chunk: int = CHUNK,
) -> Alerted:
    """Check all active budgets, or those of one household; `commit` ends the transaction of each chunk."""
    done, after = Alerted(), 0
    while True:
        budgets = _next(session, after=after, household_id=household_id, limit=chunk)
        if not budgets:
            return done
        sent = _alert(session, budgets, now=now)
        done = Alerted(checked=done.checked + len(budgets), sent=done.sent + sent)
        after = budgets[-1].id
        commit({"checked": done.checked, "sent": done.sent})


def _next(
    session: Session, *, after: int, household_id: int | None, limit: int
) -> Sequence[Row[*tuple[Any, ...]]]:
    statement = (
        select(*Budget.__table__.columns, Category.name.label("category"))
        .join(Category, Category.id == Budget.category_id)
        .where(Budget.is_active, Budget.id > after)
        .order_by(Budget.id)
        .limit(limit)
    )
    if household_id is not None:
        statement = statement.where(Budget.household_id == household_id)
    return session.execute(statement).all()


def _alert(session: Session, budgets: Sequence[Row[*tuple[Any, ...]]], *, now: datetime) -> int:
    members = _members(session, {budget.household_id for budget in budgets})
    by_span: dict[Span, list[int]] = defaultdict(list)
    spans: dict[int, Span] = {}
    for budget in budgets:
        if budget.household_id in members:
            today = local_time(now, timezone=members[budget.household_id].timezone).date()
            spans[budget.id] = span_of(today, Period(budget.period))
            by_span[spans[budget.id]].append(budget.id)
    spent = spent_on(session, by_span)
    alerts = [
        _alert_for(budget, user_id, span=spans[budget.id], spent=spent[budget.id])
        for budget in budgets
        if _reached(budget, spent.get(budget.id, {}))
        for user_id in members[budget.household_id].user_ids
    ]
    told = known_keys(session, [key for alert in alerts for key in alert.told_by])
    untold = [alert.notice for alert in alerts if not alert.told_by & told]
    return len(notify_all(session, untold, now=now).new)


def _members(session: Session, household_ids: set[int]) -> dict[int, _Members]:
    """By household; one that nobody is in has none."""
    is_admin = case((HouseholdMember.role == Role.ADMIN, 0), else_=1)
    clock = clocks()
    rows = session.execute(
        select(HouseholdMember.household_id, clock.c.user_id, clock.c.timezone)
        .join(clock, clock.c.user_id == HouseholdMember.user_id)
        .where(HouseholdMember.household_id.in_(household_ids))
        .order_by(HouseholdMember.household_id, is_admin, clock.c.user_id)
    )
    found: dict[int, _Members] = {}
    for household_id, user_id, timezone in rows:
        found.setdefault(household_id, _Members(user_ids=[], timezone=timezone)).user_ids.append(user_id)
    return found


def _reached(budget: Row[*tuple[Any, ...]], spent: Mapping[str, Decimal]) -> list[int]:
    """The thresholds, in percent, that spending in the budget's own currency has come to."""
    percent_of_amount = spent.get(budget.currency, Decimal()) * wording.WHOLE
    return [threshold for threshold in budget.thresholds if percent_of_amount >= threshold * budget.amount]


def _alert_for(
    budget: Row[*tuple[Any, ...]], user_id: int, *, span: Span, spent: Mapping[str, Decimal]
) -> _Alert:
    highest = max(_reached(budget, spent))
    key = f"budget:{budget.id}:{span.start.isoformat()}:{{}}:{user_id}"
    here = spent[budget.currency]
    facts = {"category": budget.category, "spent": here, "amount": budget.amount}
    notice = Notice(
        key=key.format(highest),
        user_id=user_id,
        type=TYPE,
        title=wording.budget_title(threshold=highest, **facts),
        body=wording.budget_body(
            since=span.start,
            currency=budget.currency,
            elsewhere={other: minor for other, minor in spent.items() if other != budget.currency and minor},
            **facts,
        ),
        data={
            "household_id": budget.household_id,
            "budget_id": budget.id,
            "period_start": span.start.isoformat(),
            "threshold": highest,
            "spent": int(here),
            "amount": budget.amount,
            "currency": budget.currency,
        },
    )
    as_much = {key.format(threshold) for threshold in budget.thresholds if threshold >= highest}
    return _Alert(notice=notice, told_by=as_much)

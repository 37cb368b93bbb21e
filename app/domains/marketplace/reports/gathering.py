"""Counts and sums what reports are made of, in the database and by index."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, literal, select, union_all

from app.domains.accounts import service as accounts
from app.domains.marketplace.catalog.models import ModelVersion, SoftwareModel
from app.domains.marketplace.licences.models import Licence
from app.domains.marketplace.orders.models import Order, OrderState
from app.domains.marketplace.reports import ranking
from app.domains.marketplace.reports.figures import Counts, Figures, Sales
from app.domains.marketplace.reports.periods import midnight

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.domains.marketplace.reports.periods import Period


def figures_of(session: Session, period: Period) -> Figures:
    """All that a report of `period` says."""
    sales, before = _sales(session, period), _sales(session, period.before)
    currencies = sales.keys() | before.keys()
    used = ranking.used(session, period)
    return Figures(
        period=period,
        counts=_counts(session, period, views=_sum(used, "views"), downloads=_sum(used, "downloads")),
        counts_before=_counts(session, period.before, **ranking.uses(session, period.before)),
        sales={one: sales.get(one, Sales()) for one in currencies},
        sales_before={one: before.get(one, Sales()) for one in currencies},
        days=_days(session, period.days),
        sold=ranking.sold(session, period),
        used=used,
    )


def within(moment: Any, *, begins: datetime, ends: datetime) -> ColumnElement[bool]:
    """Whether a moment is in that time."""
    return and_(moment >= begins, moment < ends)


def _sales(session: Session, period: Period) -> dict[str, Sales]:
    paid = select(
        Order.currency, func.count(), func.sum(Order.net), func.sum(Order.tax), func.sum(Order.gross)
    ).where(_in(Order.paid_at, period))
    back = select(Order.currency, func.count(), func.sum(Order.gross)).where(
        _in(Order.ended_at, period), Order.state == OrderState.REFUNDED
    )
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for currency, *numbers in session.execute(paid.group_by(Order.currency)):
        found[currency] |= dict(zip(("orders", "net", "tax", "gross"), map(int, numbers), strict=True))
    for currency, *numbers in session.execute(back.group_by(Order.currency)):
        found[currency] |= dict(zip(("refunds", "refunded"), map(int, numbers), strict=True))
    return {currency: Sales(**numbers) for currency, numbers in found.items()}


def _counts(session: Session, period: Period, *, views: int, downloads: int) -> Counts:
    moments = {
        "models_uploaded": SoftwareModel.created_at,
        "models_published": SoftwareModel.published_at,
        "versions_published": ModelVersion.published_at,
        "licences": Licence.issued_at,
    }
    counted = {
        name: select(func.count()).where(_in(moment, period)).scalar_subquery().label(name)
        for name, moment in moments.items()
    }
    row = session.execute(select(*counted.values())).one()
    return Counts(
        new_users=accounts.count_new(session, since=period.begins, until=period.ends),
        **row._asdict(),
        views=views,
        downloads=downloads,
    )


def _days(session: Session, days: Sequence[date]) -> Mapping[str, Mapping[date, int]]:
    """Net by currency and day; a part for each day, because the databases name days differently."""
    parts = [
        select(literal(day.isoformat()), Order.currency, func.sum(Order.net))
        .where(within(Order.paid_at, begins=midnight(day), ends=midnight(day + timedelta(days=1))))
        .group_by(Order.currency)
        for day in days
    ]
    found: dict[str, dict[date, int]] = defaultdict(dict)
    for day, currency, net in session.execute(union_all(*parts)):
        found[currency][date.fromisoformat(day)] = int(net)
    return found


def _in(moment: Any, period: Period) -> ColumnElement[bool]:
    return within(moment, begins=period.begins, ends=period.ends)


def _sum(rows: Sequence[Any], name: str) -> int:
    return sum(getattr(row, name) for row in rows)

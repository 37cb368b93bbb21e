"""Mails reports to administrators, each once. Nothing here commits.

The links in a mail let whoever has them in: what it says is sealed until it is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.domains.accounts.service import admins
from app.domains.marketplace.reports import wording
from app.domains.marketplace.reports.listing import url_of
from app.outbound.mail.service import queue_mail
from app.storage.links import LONGEST
from app.values.money import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from app.domains.marketplace.reports.figures import Figures
    from app.domains.marketplace.reports.models import Form

#: Currencies that a mail names; all are in the report.
NAMED = 10


def tell(session: Session, figures: Figures, *, keys: Mapping[Form, str]) -> int:
    """Have each administrator mailed a report; how many."""
    period = figures.period
    context = _context(figures) | {
        f"{form}_link": url_of(key, period=str(period), form=form, expires=LONGEST)
        for form, key in keys.items()
    }
    told = admins(session)
    for admin in told:
        queue_mail(
            session,
            key=f"sales-report:{period.kind}:{period}:{admin.id}",
            to=[admin.email],
            template="reports/report",
            context={"name": admin.name, **context},
            sealed=True,
        )
    return len(told)


def _context(figures: Figures) -> dict[str, Any]:
    counts, currencies = figures.counts, [one for one in figures.currencies if figures.sales[one].orders]
    return {
        "title": wording.title(figures.period),
        "sales": [_sales(figures, currency) for currency in currencies[:NAMED]],
        "more": len(currencies[NAMED:]),
        "licences": f"{counts.licences:,}",
        "new_users": f"{counts.new_users:,}",
        "models_published": f"{counts.models_published:,}",
        "days": LONGEST.days,
    }


def _sales(figures: Figures, currency: str) -> dict[str, str]:
    now, before = figures.sales[currency], figures.sales_before[currency]
    return {
        "net": shown(now.net, currency),
        "orders": wording.orders(now.orders),
        "change": wording.change(now.net, before.net),
    }

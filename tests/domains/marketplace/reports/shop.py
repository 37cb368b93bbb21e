"""What was sold on some day, and the report of it."""

from __future__ import annotations

import csv
import io
import itertools
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pypdf import PdfReader
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.engine import engine
from app.db.sessions import reading, transaction, using
from app.domains.marketplace.reports import generating, periods
from app.domains.marketplace.reports.gathering import figures_of
from app.domains.marketplace.reports.models import Form, SalesReport
from app.domains.marketplace.usage.models import Span, UsageCount, UsageKind
from app.storage.stores import store
from tests.domains.marketplace import market
from tests.domains.marketplace.market import EXEMPT
from tests.domains.notifications.people import add_user

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from app.domains.marketplace.orders.models import Order
    from app.domains.marketplace.reports.figures import Figures
    from app.domains.marketplace.reports.generating import Made
    from app.domains.marketplace.reports.periods import Period

_NUMBERS = itertools.count(1)
#: That of `market.NOW`.
DAY = date(2026, 1, 31)
TODAY = periods.of_day(DAY)
JANUARY = periods.of_month(year=2026, month=1)
#: When both are over.
LATER = datetime(2026, 2, 1, 0, 15, tzinfo=UTC)


def sell(
    model_id: int,
    amount: int = 100_00,
    *,
    currency: str = "EUR",
    quantity: int = 1,
    at: datetime = market.NOW,
    **tier: Any,
) -> Order:
    """An order of a model at a price without tax, paid then."""
    facts: dict[str, Any] = {"amount": amount, "currency": currency, "tax": EXEMPT} | tier
    order = market.place(add_user(), market.add_tier(model_id, **facts), quantity=quantity)
    return market.pay(order, key=f"bank-{next(_NUMBERS)}", now=at)


def use(model_id: int, *, views: int = 0, downloads: int = 0, day: date = DAY) -> None:
    """So many counts of a model, and as many in the hours, which reports leave out."""
    with transaction() as session:
        session.add_all(
            UsageCount(model_id=model_id, kind=kind, span=span, begins_at=periods.midnight(day), count=count)
            for kind, count in ((UsageKind.VIEW, views), (UsageKind.DOWNLOAD, downloads))
            for span in Span
        )


def figures(period: Period = TODAY) -> Figures:
    with reading() as session:
        return figures_of(session, period)


def make(period: Period = TODAY, *, meanwhile: Callable[[], None] = lambda: None) -> Made:
    """As a job makes a report; `meanwhile` something else happens."""
    with Session(engine(), expire_on_commit=False) as session, using(session):

        def checkpoint(progress: Mapping[str, Any] | None = None, /) -> None:
            session.commit()
            meanwhile()

        made = generating.make(session, period, now=LATER, commit=checkpoint)
        session.commit()
        return made


def reports() -> Sequence[SalesReport]:
    with reading() as session:
        return session.scalars(select(SalesReport).order_by(SalesReport.period, SalesReport.media_type)).all()


def file(form: Form, period: Period = TODAY) -> bytes:
    """What is in a file of a report."""
    [row] = [one for one in reports() if (one.period, one.media_type) == (str(period), form.media_type)]
    return b"".join(store().chunks(row.storage_key))


def text_of(pdf: bytes) -> str:
    """All text of a PDF, every blank alike."""
    pages = PdfReader(io.BytesIO(pdf)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).replace("\u200b", "").split())


def rows_of(data: bytes) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def before(days: int) -> datetime:
    """The same time of another day."""
    return market.NOW - timedelta(days=days)

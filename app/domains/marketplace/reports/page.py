"""A report as PDF: what its template is given, every number as it is read and how long its bar is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.domains.marketplace.reports import wording
from app.domains.marketplace.reports.models import ReportKind
from app.domains.marketplace.reports.periods import DAY
from app.typesetting.fonts import FAMILIES, visible
from app.typesetting.pdf import pdf_of as set_pdf
from app.typesetting.words import breakable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.domains.marketplace.reports.figures import Figures

TEMPLATE = Path(__file__).parent / "templates" / "report.typ"
#: Currencies that have bars, those with most orders first; all are in the table.
DRAWN = 3
#: So many characters without a place to break are all that a column has room for.
LONGEST_WORD = 16
#: More labels would stand into each other.
MAX_LABELS = 16
_TILES = {
    "licences": "Licences issued",
    "new_users": "New users",
    "models_uploaded": "Models uploaded",
    "models_published": "Models published",
    "versions_published": "Versions published",
    "views": "Views",
    "downloads": "Downloads",
}


def pdf_of(figures: Figures) -> bytes:
    """The report: the same bytes for the same figures."""
    return set_pdf(TEMPLATE, {"report.json": content_of(figures)}, tagged=True, timestamp=figures.period.ends)


def content_of(figures: Figures) -> dict[str, Any]:
    """What the template reads."""
    drawn = figures.currencies[:DRAWN]
    made = figures.period.after
    return {
        "title": wording.title(figures.period),
        "compared": wording.name(figures.period.before),
        "made": {"year": made.year, "month": made.month, "day": made.day},
        "fonts": FAMILIES,
        "is_sold": any(one.orders for one in figures.sales.values()),
        "span": "day" if figures.period.kind is ReportKind.DAILY else "month",
        "cards": [_card(figures, currency) for currency in drawn],
        "more_currencies": len(figures.currencies) - len(drawn),
        "tiles": _tiles(figures),
        "charts": [_chart(figures, one) for one in drawn if figures.days.get(one)],
        "models": [_models(figures, one) for one in drawn if figures.sales[one].orders],
        "currencies": [_line(figures, one) for one in figures.currencies],
        "used": _used(figures),
    }


def _card(figures: Figures, currency: str) -> dict[str, str]:
    now, before = figures.sales[currency], figures.sales_before[currency]
    return {
        "label": f"Net sales, {currency}",
        "value": wording.amount(now.net, currency),
        "change": wording.change(now.net, before.net),
        "orders": wording.orders(now.orders),
    }


def _tiles(figures: Figures) -> list[dict[str, str]]:
    pairs = [
        (label, getattr(figures.counts, name), getattr(figures.counts_before, name))
        for name, label in _TILES.items()
    ]
    return [
        {"label": label, "value": f"{now:,}", "change": wording.change(now, before)}
        for label, now, before in pairs
    ]


def _chart(figures: Figures, currency: str) -> dict[str, Any]:
    nets = figures.days[currency]
    days = figures.period.days
    of_day = figures.period.kind is ReportKind.DAILY
    return {
        "currency": currency,
        "turned": len(days) > MAX_LABELS,
        "bars": [
            {
                "label": wording.short_day(day, kind=figures.period.kind),
                "value": wording.compact(nets[day], currency) if day in nets else "",
                "share": share,
                "is_now": not of_day or day == figures.period.after - DAY,
            }
            for day, share in zip(days, _shares([nets.get(day, 0) for day in days]), strict=True)
        ],
    }


def _models(figures: Figures, currency: str) -> dict[str, Any]:
    rows = [one for one in figures.sold if one.currency == currency]
    return {
        "currency": currency,
        "rows": [
            {
                "model": _set(wording.model(row)),
                "is_rest": row.model_id is None,
                "licences": f"{row.licences:,}",
                "net": wording.amount(row.net, currency),
                "share": share,
            }
            for row, share in zip(rows, _shares([row.net for row in rows]), strict=True)
        ],
    }


def _line(figures: Figures, currency: str) -> list[str]:
    now, before = figures.sales[currency], figures.sales_before[currency]
    amounts = (now.net, now.tax, now.gross, now.refunded, before.net)
    shown = (wording.amount(minor, currency) for minor in amounts)
    return [currency, f"{now.orders:,}", *shown, wording.change(now.net, before.net)]


def _used(figures: Figures) -> list[dict[str, Any]]:
    rows = figures.used
    shares = zip(_shares([one.views for one in rows]), _shares([one.downloads for one in rows]), strict=True)
    return [
        {
            "model": _set(wording.model(row)),
            "is_rest": row.model_id is None,
            "views": {"value": f"{row.views:,}", "share": views},
            "downloads": {"value": f"{row.downloads:,}", "share": downloads},
        }
        for row, (views, downloads) in zip(rows, shares, strict=True)
    ]


def _set(text: str) -> str:
    return breakable(visible(wording.cut(text)), longest=LONGEST_WORD)


def _shares(values: Sequence[int]) -> Iterable[float]:
    """How long the bar of each is, of the longest."""
    longest = max(values, default=0) or 1
    return [value / longest for value in values]

"""A report as CSV: a row for each figure, so that files of several periods can be put below each other."""

from __future__ import annotations

import csv
import io
from dataclasses import fields
from typing import TYPE_CHECKING, NamedTuple

from app.domains.marketplace.reports.figures import Counts
from app.domains.marketplace.reports.wording import model
from app.values.csv_cells import text_cell
from app.values.csv_file import BYTE_ORDER_MARK
from app.values.money import to_decimal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.domains.marketplace.reports.figures import Figures, Sales

_COUNTED = ("orders", "refunds")
_AMOUNTS = ("net", "tax", "gross", "refunded")


class Row(NamedTuple):
    """A figure. `before` is that of the period before, where it is compared."""

    period: str
    measure: str
    value: str
    before: str = ""
    currency: str = ""
    date: str = ""
    model_id: str = ""
    model: str = ""


def csv_of(figures: Figures) -> bytes:
    """The report as UTF-8, with the mark by which spreadsheets know that."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(Row._fields)
    writer.writerows(_rows(figures))
    return f"{BYTE_ORDER_MARK}{text.getvalue()}".encode(errors="backslashreplace")


def _rows(figures: Figures) -> Iterator[Row]:
    period = str(figures.period)
    for field in fields(Counts):
        now, before = getattr(figures.counts, field.name), getattr(figures.counts_before, field.name)
        yield Row(period, field.name, str(now), str(before))
    for currency in figures.currencies:
        yield from _of_currency(period, currency, figures.sales[currency], figures.sales_before[currency])
    for currency in sorted(figures.days):
        for day, net in sorted(figures.days[currency].items()):
            yield Row(period, "net_of_day", _plain(net, currency), currency=currency, date=f"{day}")
    for sold in figures.sold:
        at = {"currency": sold.currency, "model_id": _id(sold.model_id), "model": text_cell(model(sold))}
        yield Row(period, "licences_of_model", str(sold.licences), **at)
        yield Row(period, "net_of_model", _plain(sold.net, sold.currency), **at)
    for used in figures.used:
        of = {"model_id": _id(used.model_id), "model": text_cell(model(used))}
        yield Row(period, "views_of_model", str(used.views), **of)
        yield Row(period, "downloads_of_model", str(used.downloads), **of)


def _of_currency(period: str, currency: str, now: Sales, before: Sales) -> Iterator[Row]:
    for name in _COUNTED:
        yield Row(period, name, str(getattr(now, name)), str(getattr(before, name)), currency)
    for name in _AMOUNTS:
        value, of_before = (_plain(getattr(one, name), currency) for one in (now, before))
        yield Row(period, name, value, of_before, currency)


def _plain(minor: int, currency: str) -> str:
    return f"{to_decimal(minor, currency):f}"


def _id(model_id: int | None) -> str:
    return "" if model_id is None else str(model_id)

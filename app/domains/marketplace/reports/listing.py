"""Looks up reports, and gives links to their files."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.domains.marketplace.reports.errors import ReportNotFound
from app.domains.marketplace.reports.models import Form, SalesReport
from app.storage.links import link

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from sqlalchemy.orm import Session


@dataclass(frozen=True, kw_only=True)
class Page:
    """Reports, the newest first, each as its files; and the period before which the next ones are."""

    reports: Sequence[Sequence[SalesReport]]
    next: str | None


def files_of(session: Session, *, kind: str, period: str) -> Sequence[SalesReport]:
    """The forms in which there is a report."""
    this = (SalesReport.kind == kind) & (SalesReport.period == period)
    return session.scalars(select(SalesReport).where(this).order_by(SalesReport.media_type)).all()


def file_of(session: Session, *, kind: str, period: str, form: Form) -> SalesReport:
    """A report in one form. Raises `ReportNotFound`."""
    found = session.get(SalesReport, (kind, period, form.media_type))
    if found is None:
        raise ReportNotFound(kind=kind, period=period)
    return found


def page(session: Session, *, kind: str, before: str | None, limit: int) -> Page:
    """The reports of days or of months, of periods before `before`."""
    periods = select(SalesReport.period).where(SalesReport.kind == kind).distinct()
    if before is not None:
        periods = periods.where(SalesReport.period < before)
    found = session.scalars(periods.order_by(SalesReport.period.desc()).limit(limit + 1)).all()
    rows = select(SalesReport).where(SalesReport.kind == kind, SalesReport.period.in_(found[:limit]))
    files = session.scalars(rows.order_by(SalesReport.period.desc(), SalesReport.media_type))
    return Page(
        reports=[list(group) for _, group in groupby(files, key=lambda one: one.period)],
        next=found[limit - 1] if len(found) > limit else None,
    )


def url_of(key: str, *, period: str, form: Form, expires: timedelta) -> str:
    """A link to a file of a report."""
    return link(key, filename=f"sales-{period}.{form}", media_type=form.media_type, expires=expires)

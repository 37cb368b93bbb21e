"""Which models sold best and were used most: some by name, and all others as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, select

from app.domains.marketplace.catalog.models import SoftwareModel
from app.domains.marketplace.orders.models import Order, OrderLine
from app.domains.marketplace.reports.figures import ModelSales, ModelUse
from app.domains.marketplace.usage.models import Span, UsageCount, UsageKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement, Row, Select
    from sqlalchemy.orm import Session

    from app.domains.marketplace.reports.periods import Period

#: Models that are named, of each currency.
NAMED = 10
KINDS = {"views": UsageKind.VIEW, "downloads": UsageKind.DOWNLOAD}


def sold(session: Session, period: Period) -> tuple[ModelSales, ...]:
    """What was sold of models: by currency, those that brought most and then the rest."""
    net, licences = func.sum(OrderLine.net), func.sum(OrderLine.quantity)
    each = (
        select(OrderLine.model_id, Order.currency, net.label("net"), licences.label("licences"))
        .join(Order, Order.id == OrderLine.order_id)
        .where(Order.paid_at >= period.begins, Order.paid_at < period.ends)
        .group_by(OrderLine.model_id, Order.currency)
    )
    rows = _ranked(session, each, by=("net", "licences"), apart=("currency",))
    titles = _titles(session, rows)
    return tuple(
        ModelSales(
            currency=row.currency,
            model_id=row.model_id,
            title=titles.get(row.model_id, ""),
            models=row.models,
            licences=int(row.licences),
            net=int(row.net),
        )
        for row in rows
    )


def used(session: Session, period: Period) -> tuple[ModelUse, ...]:
    """How often models were downloaded and viewed: those that were most, and then the rest."""
    sums = [func.sum(case((UsageCount.kind == kind, UsageCount.count), else_=0)) for kind in KINDS.values()]
    each = (
        select(UsageCount.model_id, *(found.label(name) for name, found in zip(KINDS, sums, strict=True)))
        .where(_counted_in(period))
        .group_by(UsageCount.model_id)
    )
    rows = _ranked(session, each, by=("downloads", "views"), apart=())
    titles = _titles(session, rows)
    return tuple(
        ModelUse(
            model_id=row.model_id,
            title=titles.get(row.model_id, ""),
            models=row.models,
            views=int(row.views),
            downloads=int(row.downloads),
        )
        for row in rows
    )


def uses(session: Session, period: Period) -> dict[str, int]:
    """How often all models together were viewed and downloaded."""
    by_kind = select(UsageCount.kind, func.sum(UsageCount.count)).where(_counted_in(period))
    found = {kind: int(count) for kind, count in session.execute(by_kind.group_by(UsageCount.kind))}
    return {name: found.get(kind, 0) for name, kind in KINDS.items()}


def _counted_in(period: Period) -> ColumnElement[bool]:
    return and_(
        UsageCount.span == Span.DAY,
        UsageCount.begins_at >= period.begins,
        UsageCount.begins_at < period.ends,
        UsageCount.kind.in_(KINDS.values()),
    )


def _ranked(
    session: Session, each: Select[*tuple[Any, ...]], *, by: Sequence[str], apart: Sequence[str]
) -> Sequence[Row[*tuple[Any, ...]]]:
    """The best of `each` by those columns, and the sums of all others, for each value of `apart`."""
    models = each.subquery()
    order = (*(models.c[name].desc() for name in by), models.c.model_id)
    place = func.row_number().over(partition_by=[models.c[name] for name in apart], order_by=order)
    placed = select(models, place.label("place")).subquery()
    is_named = placed.c.place <= NAMED
    shown = case((is_named, placed.c.place), else_=NAMED + 1)
    columns = [placed.c[name] for name in apart]
    grouped = (
        select(
            *columns,
            func.min(case((is_named, placed.c.model_id))).label("model_id"),
            func.count().label("models"),
            *(func.sum(placed.c[name]).label(name) for name in by),
        )
        .group_by(*columns, shown)
        .order_by(*columns, shown)
    )
    return session.execute(grouped).all()


def _titles(session: Session, rows: Iterable[Row[*tuple[Any, ...]]]) -> dict[int, str]:
    ids = {row.model_id for row in rows} - {None}
    found = session.execute(select(SoftwareModel.id, SoftwareModel.title).where(SoftwareModel.id.in_(ids)))
    return {id_: title for id_, title in found}  # noqa: C416 (typed; dict() of rows is not)

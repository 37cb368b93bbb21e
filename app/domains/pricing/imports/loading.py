"""Writes staged products and batches into the database, in the caller's one transaction."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import select, text
from sqlalchemy.dialects import postgresql, sqlite

from app.domains.pricing.models import BatchDiscount, InventoryBatch, Product
from app.domains.pricing.repricing import close_discounts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.domains.pricing.imports.staging import StagedBatch, StagedProduct, Staging

Item = TypeVar("Item")
CHUNK = 1_000


@dataclass(kw_only=True)
class Counts:
    """What became of the rows of one file."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0


@dataclass(kw_only=True)
class Imported:
    """What an import did. A discount ends when the price, category or date it was made for has changed."""

    products: Counts = field(default_factory=Counts)
    batches: Counts = field(default_factory=Counts)
    discounts_ended: int = 0


def load(*, session: Session, staging: Staging, now: datetime, report: Callable[[int], None]) -> Imported:
    """Create what is new and update what differs; `report` is told how many rows each step wrote."""
    _hold_off_recomputes(session)
    done = Imported()
    for products in _chunks(staging.products()):
        _load_products(session, products, now=now, done=done)
        report(len(products))
    for batches in _chunks(staging.batches()):
        _load_batches(session, batches, now=now, done=done)
        report(len(batches))
    _refresh_statistics(session)
    return done


def _hold_off_recomputes(session: Session) -> None:
    """Let no recompute price a batch between the old facts and the new; readers go on."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE inventory_batch IN EXCLUSIVE MODE"))


def _refresh_statistics(session: Session) -> None:
    """Tell PostgreSQL how large the tables are now: until its own look, it would plan for small ones."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("ANALYZE product, inventory_batch"))


def _chunks(rows: Iterable[Item]) -> Iterator[list[Item]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk


def _load_products(
    session: Session, products: Sequence[StagedProduct], *, now: datetime, done: Imported
) -> None:
    rows = [asdict(product) for product in products]
    known = _known(session, Product, key="sku", rows=rows)
    _write(session, Product, key="sku", rows=rows, known=known, now=now, counts=done.products)
    repriced = _ids_that_changed(("base_price", "category", "currency"), key="sku", rows=rows, known=known)
    of_products = select(InventoryBatch.id).where(InventoryBatch.product_id.in_(repriced))
    if repriced:
        ended = close_discounts(session=session, which=BatchDiscount.batch_id.in_(of_products), now=now)
        done.discounts_ended += ended


def _load_batches(session: Session, batches: Sequence[StagedBatch], *, now: datetime, done: Imported) -> None:
    skus = {batch.sku for batch in batches}
    found = session.execute(select(Product.sku, Product.id).where(Product.sku.in_(skus)))
    products = {sku: product_id for sku, product_id in found}  # noqa: C416 (rows are no pairs to mypy)
    rows = [asdict(batch) for batch in batches]
    for row in rows:
        row["product_id"] = products[row.pop("sku")]
    known = _known(session, InventoryBatch, key="code", rows=rows)
    _write(session, InventoryBatch, key="code", rows=rows, known=known, now=now, counts=done.batches)
    moved = _ids_that_changed(("expiry_date", "product_id"), key="code", rows=rows, known=known)
    if moved:
        ended = close_discounts(session=session, which=BatchDiscount.batch_id.in_(moved), now=now)
        done.discounts_ended += ended


Table = type[Product] | type[InventoryBatch]


def _known(session: Session, table: Table, *, key: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    columns = [getattr(table, name) for name in ("id", *rows[0])]
    statement = select(*columns).where(getattr(table, key).in_([row[key] for row in rows]))
    return {row[key]: row for row in session.execute(statement).mappings()}


def _write(
    session: Session,
    table: Table,
    *,
    key: str,
    rows: list[dict[str, Any]],
    known: dict[str, Any],
    now: datetime,
    counts: Counts,
) -> None:
    new = [row for row in rows if row[key] not in known]
    changed = [row for row in rows if row[key] in known and _differ(row, known[row[key]], columns=row)]
    counts.created += len(new)
    counts.updated += len(changed)
    counts.unchanged += len(rows) - len(new) - len(changed)
    if new or changed:
        is_sqlite = session.get_bind().dialect.name == "sqlite"
        statement = sqlite.insert(table) if is_sqlite else postgresql.insert(table)
        renewed = {name: statement.excluded[name] for name in (*rows[0], "updated_at") if name != key}
        written = [{**row, "updated_at": now} for row in new + changed]
        session.execute(statement.on_conflict_do_update(index_elements=[key], set_=renewed), written)


def _ids_that_changed(
    columns: Sequence[str], *, key: str, rows: list[dict[str, Any]], known: dict[str, Any]
) -> list[int]:
    pairs = [(row, known[row[key]]) for row in rows if row[key] in known]
    return [old["id"] for row, old in pairs if _differ(row, old, columns=columns)]


def _differ(row: dict[str, Any], old: dict[str, Any], *, columns: Iterable[str]) -> bool:
    return any(row[name] != old[name] for name in columns)

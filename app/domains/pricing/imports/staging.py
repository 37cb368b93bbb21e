"""A scratch file that holds checked rows until they are loaded, so that memory stays flat."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE product (key TEXT PRIMARY KEY, line INT, name TEXT, category TEXT, price TEXT, currency TEXT)
    WITHOUT ROWID;
CREATE TABLE batch (key TEXT PRIMARY KEY, line INT, sku TEXT, quantity INT, expiry TEXT, received TEXT)
    WITHOUT ROWID;
"""


@dataclass(frozen=True, kw_only=True)
class StagedProduct:
    """A checked row of the products file."""

    sku: str
    name: str
    category: str
    base_price: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class StagedBatch:
    """A checked row of the batches file."""

    code: str
    sku: str
    quantity: int
    expiry_date: date
    received_on: date | None


class Staging:
    """The scratch file; gone when its `with` block ends. Rows come back in the order of their keys."""

    def __enter__(self) -> Self:
        self._folder = TemporaryDirectory(prefix="groundwork-import-")
        self._rows = sqlite3.connect(Path(self._folder.name) / "rows.db", isolation_level=None)
        self._rows.executescript(_TABLES)
        self._rows.execute("BEGIN")
        return self

    def __exit__(self, *_error: object) -> None:
        self._rows.close()
        self._folder.cleanup()

    def add_product(self, product: StagedProduct, *, line: int) -> int | None:
        """Keep a product. The line it stood on before, if its SKU did; then it is not kept."""
        cells = (product.name, product.category, str(product.base_price), product.currency)
        return self._add("product", product.sku, line, *cells)

    def add_batch(self, batch: StagedBatch, *, line: int) -> int | None:
        """Keep a batch. The line it stood on before, if its code did; then it is not kept."""
        received = batch.received_on.isoformat() if batch.received_on else None
        return self._add(
            "batch", batch.code, line, batch.sku, batch.quantity, batch.expiry_date.isoformat(), received
        )

    def _add(self, table: str, *cells: object) -> int | None:
        added = self._rows.execute(f"INSERT OR IGNORE INTO {table} VALUES (?, ?, ?, ?, ?, ?)", cells)  # noqa: S608
        if added.rowcount:
            return None
        found = self._rows.execute(f"SELECT line FROM {table} WHERE key = ?", cells[:1])  # noqa: S608
        return int(found.fetchone()[0])

    def count(self) -> int:
        """How many rows are kept."""
        both = "SELECT (SELECT count(*) FROM product) + (SELECT count(*) FROM batch)"
        return int(self._rows.execute(both).fetchone()[0])

    def products(self) -> Iterator[StagedProduct]:
        """The products, by SKU."""
        for sku, _, name, category, price, currency in self._sorted("product"):
            yield StagedProduct(
                sku=sku, name=name, category=category, base_price=Decimal(price), currency=currency
            )

    def batches(self) -> Iterator[StagedBatch]:
        """The batches, by code."""
        for code, _, sku, quantity, expiry, received in self._sorted("batch"):
            yield StagedBatch(
                code=code,
                sku=sku,
                quantity=quantity,
                expiry_date=date.fromisoformat(expiry),
                received_on=date.fromisoformat(received) if received else None,
            )

    def skus_to_find(self) -> Iterator[str]:
        """SKUs of batches whose product is not kept here."""
        rows = self._rows.execute("SELECT DISTINCT sku FROM batch WHERE sku NOT IN (SELECT key FROM product)")
        return (str(sku) for (sku,) in rows)

    def lines_of_sku(self, sku: str) -> list[int]:
        """The lines of the batches of a product."""
        rows = self._rows.execute("SELECT line FROM batch WHERE sku = ? ORDER BY line", (sku,))
        return [int(line) for (line,) in rows]

    def _sorted(self, table: str) -> sqlite3.Cursor:
        return self._rows.execute(f"SELECT * FROM {table} ORDER BY key")  # noqa: S608

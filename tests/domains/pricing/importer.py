"""Imports texts as if they were files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.db.sessions import reading, transaction
from app.domains.pricing.imports.files import Files, ImportRefused, Listener, import_files
from app.domains.pricing.models import InventoryBatch, Product

if TYPE_CHECKING:
    from pathlib import Path

    from app.domains.pricing.imports.loading import Imported
    from app.values.csv_file import Problem

Content = str | bytes | None
PRODUCTS = "sku,name,category,base_price,currency\n"
BATCHES = "code,sku,quantity,expiry_date,received_on\n"
MILK = "MILK,Milk,dairy,1.29,EUR\n"


@dataclass
class Importer:
    """Imports texts as files and keeps what was told."""

    folder: Path
    problems: list[Problem] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    loaded: int = 0

    def __call__(self, *, products: Content = None, batches: Content = None) -> Imported:
        files = Files(products=self._file("products", products), batches=self._file("batches", batches))
        self.problems.clear()
        listener = Listener(
            problem=self.problems.append,
            notice=self.notices.append,
            checked=lambda path, count: None,
            to_load=lambda total: None,
            loaded=self._note,
        )
        return import_files(files=files, reading=reading, transaction=transaction, listener=listener)

    def _note(self, count: int) -> None:
        self.loaded += count

    def _file(self, name: str, content: Content) -> Path | None:
        if content is None:
            return None
        path = self.folder / f"{name}.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def refused(self, *, products: Content = None, batches: Content = None) -> list[str]:
        """The problems of files that are refused."""
        with pytest.raises(ImportRefused, match="Nothing was imported"):
            self(products=products, batches=batches)
        return [str(problem) for problem in self.problems]


def counts() -> tuple[int, int]:
    with reading() as session:
        products = session.scalar(select(func.count()).select_from(Product)) or 0
        return products, session.scalar(select(func.count()).select_from(InventoryBatch)) or 0

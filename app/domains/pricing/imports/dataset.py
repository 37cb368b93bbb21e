"""Makes realistic CSV files of any size; the same seed and day give the same files."""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from app.domains.pricing.imports.columns import BATCH_COLUMNS, PRODUCT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

#: A product has this many batches on average.
BATCHES_PER_PRODUCT = 20


@dataclass(frozen=True, kw_only=True)
class Assortment:
    """What a category sells: names, prices in cents, and days a batch keeps from the day it comes in."""

    names: tuple[str, ...]
    cents: tuple[int, int]
    keeps: tuple[int, int]


ASSORTMENTS = {
    "dairy": Assortment(
        names=("Whole milk 1 l", "Natural yoghurt", "Salted butter", "Crème fraîche", "Gouda, sliced"),
        cents=(79, 649),
        keeps=(5, 28),
    ),
    "meat": Assortment(
        names=("Chicken breast", "Minced beef", "Pork loin", "Lamb chops", "Smoked ham"),
        cents=(299, 2499),
        keeps=(3, 14),
    ),
    "bakery": Assortment(
        names=("Sourdough loaf", "Rye bread", 'Baguette "classic"', "Butter croissant", "Seeded rolls, 6"),
        cents=(59, 549),
        keeps=(1, 6),
    ),
    "produce": Assortment(
        names=("Tomatoes 500 g", "Baby spinach", "Strawberries", "Avocado, ripe", "Blueberries"),
        cents=(89, 599),
        keeps=(3, 12),
    ),
    "frozen": Assortment(
        names=("Garden peas", "Fish fingers", "Pizza margherita", "Vanilla ice cream"),
        cents=(149, 899),
        keeps=(60, 365),
    ),
    "household": Assortment(
        names=("Dish soap", "Sponges, 10", "Laundry powder", "Bin bags"), cents=(99, 1999), keeps=(90, 700)
    ),
}


def write_dataset(
    *, folder: Path, batches: int, seed: int, today: date, report: Callable[[int], None]
) -> tuple[Path, Path]:
    """Write products.csv and batches.csv into `folder`; rows are made one by one. The two paths."""
    folder.mkdir(parents=True, exist_ok=True)
    count = max(1, batches // BATCHES_PER_PRODUCT)
    products = folder / "products.csv"
    _write(products, header=[column.name for column in PRODUCT_COLUMNS], rows=_products(count, seed=seed))
    rows = _batches(batches, products=count, seed=seed, today=today, report=report)
    _write(folder / "batches.csv", header=[column.name for column in BATCH_COLUMNS], rows=rows)
    return products, folder / "batches.csv"


def _write(path: Path, *, header: list[str], rows: Iterator[tuple[object, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _category(product: int) -> str:
    return list(ASSORTMENTS)[product % len(ASSORTMENTS)]


def _sku(product: int) -> str:
    return f"{_category(product)[:3].upper()}-{product:06d}"


def _products(count: int, *, seed: int) -> Iterator[tuple[object, ...]]:
    draw = random.Random(f"products {seed}")  # noqa: S311 (a dataset, no secret)
    for number in range(count):
        kind = ASSORTMENTS[_category(number)]
        price = Decimal(draw.randint(*kind.cents)).scaleb(-2)
        yield _sku(number), f"{draw.choice(kind.names)} no. {number}", _category(number), price, "EUR"


def _batches(
    count: int, *, products: int, seed: int, today: date, report: Callable[[int], None]
) -> Iterator[tuple[object, ...]]:
    draw = random.Random(f"batches {seed}")  # noqa: S311 (a dataset, no secret)
    for number in range(count):
        product = draw.randrange(products)
        keeps = draw.randint(*ASSORTMENTS[_category(product)].keeps)
        # Some came in so long ago that they are past their date: shops have those too.
        received = today - timedelta(days=draw.randint(0, keeps + keeps // 10 + 1))
        expiry = received + timedelta(days=keeps)
        yield f"B{number:08d}", _sku(product), _pieces(draw), expiry.isoformat(), received.isoformat()
        report(number + 1)


def _pieces(draw: random.Random) -> int:
    """Mostly a shelf full, sometimes sold out, sometimes far too many."""
    shape = draw.random()
    if shape < 0.05:
        return 0
    if shape < 0.90:
        return draw.randint(1, 120)
    return draw.randint(121, 900)

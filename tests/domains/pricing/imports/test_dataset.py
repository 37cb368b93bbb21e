from __future__ import annotations

import csv
from datetime import date, timedelta
from typing import TYPE_CHECKING

from app.db.sessions import reading, transaction
from app.domains.pricing.imports.dataset import write_dataset
from app.domains.pricing.imports.files import Files, Listener, import_files

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

TODAY = date(2030, 6, 15)


def made(folder: Path, *, batches: int = 400, seed: int = 7) -> tuple[Path, Path]:
    return write_dataset(folder=folder, batches=batches, seed=seed, today=TODAY, report=lambda _count: None)


def test_a_seed_makes_the_same_files_again(tmp_path: Path) -> None:
    first, second, other = (
        [path.read_bytes() for path in made(tmp_path / name, seed=seed)]
        for name, seed in (("a", 7), ("b", 7), ("c", 8))
    )
    assert first == second
    assert first[1] != other[1]


def test_the_dates_lie_around_the_day(tmp_path: Path) -> None:
    with made(tmp_path)[1].open(newline="") as file:
        rows = list(csv.DictReader(file))
    days = [date.fromisoformat(row["expiry_date"]) - TODAY for row in rows]
    assert len(rows) == 400
    assert min(days) < timedelta(0)
    assert sum(timedelta(0) <= left <= timedelta(30) for left in days) > 100
    assert all(date.fromisoformat(row["received_on"]) <= TODAY for row in rows)


def test_there_is_something_sold_out_and_something_overstocked(tmp_path: Path) -> None:
    with made(tmp_path)[1].open(newline="") as file:
        pieces = [int(row["quantity"]) for row in csv.DictReader(file)]
    assert 0 in pieces
    assert max(pieces) > 500


def test_what_is_made_can_be_imported(database: Engine, tmp_path: Path) -> None:
    products, batches = made(tmp_path, batches=2500)
    problems: list[object] = []
    done = import_files(
        files=Files(products=products, batches=batches),
        reading=reading,
        transaction=transaction,
        listener=Listener(
            problem=problems.append,
            notice=problems.append,
            checked=lambda path, count: None,
            to_load=lambda total: None,
            loaded=lambda count: None,
        ),
    )
    assert problems == []
    assert (done.products.created, done.batches.created) == (125, 2500)


def test_the_smallest_dataset_has_one_batch(tmp_path: Path) -> None:
    products, batches = made(tmp_path, batches=1)
    assert len(products.read_text().splitlines()) == 2
    assert len(batches.read_text().splitlines()) == 2

"""Importing: all or nothing, and importing again."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.db.sessions import reading, transaction
from app.domains.pricing import catalogue
from app.domains.pricing.imports.files import Files, Listener, NothingToImport, import_files
from app.domains.pricing.models import InventoryBatch, Product
from app.values.csv_file import UnusableFile
from tests.domains.pricing import shop
from tests.domains.pricing.importer import BATCHES, MILK, PRODUCTS, Importer, counts

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine


def test_products_and_batches_are_imported_together(importer: Importer) -> None:
    done = importer(products=PRODUCTS + MILK, batches=BATCHES + "B1,MILK,12,2030-01-31,2030-01-02\n")
    assert asdict(done.products) == {"created": 1, "updated": 0, "unchanged": 0}
    assert asdict(done.batches) == {"created": 1, "updated": 0, "unchanged": 0}
    assert importer.loaded == 2
    with reading() as session:
        stored = session.scalars(select(Product)).one()
        assert (stored.sku, stored.base_price, stored.currency) == ("MILK", Decimal("1.29"), "EUR")


def test_importing_the_same_files_again_changes_nothing(importer: Importer) -> None:
    files = {"products": PRODUCTS + MILK, "batches": BATCHES + "B1,MILK,12,2030-01-31,\n"}
    importer(**files)
    done = importer(**files)
    assert asdict(done.products) == {"created": 0, "updated": 0, "unchanged": 1}
    assert asdict(done.batches) == {"created": 0, "updated": 0, "unchanged": 1}
    assert counts() == (1, 1)


def test_a_changed_row_updates_what_has_its_key(importer: Importer) -> None:
    importer(products=PRODUCTS + MILK, batches=BATCHES + "B1,MILK,12,2030-01-31,\n")
    done = importer(
        products=PRODUCTS + MILK.replace("1.29", "1.49"), batches=BATCHES + "B1,MILK,9,2030-01-31,\n"
    )
    assert (done.products.updated, done.batches.updated) == (1, 1)
    with reading() as session:
        assert session.scalar(select(Product.base_price)) == Decimal("1.49")
        assert session.scalar(select(InventoryBatch.quantity)) == 9


def test_a_discount_ends_when_the_price_it_was_made_for_changes(importer: Importer) -> None:
    batch = shop.put(sku="MILK", category="dairy", price="1.29")
    shop.recompute()
    done = importer(products=PRODUCTS + "MILK,Thing,dairy,0.50,EUR\n")
    assert done.discounts_ended == 1
    assert shop.active(batch) is None


def test_a_discount_ends_when_the_date_it_was_made_for_changes(importer: Importer) -> None:
    batch = shop.put(code="B1", sku="MILK", quantity=10)
    shop.recompute()
    assert importer(batches=BATCHES + "B1,MILK,10,2031-01-31,\n").discounts_ended == 1
    assert shop.active(batch) is None


def test_a_discount_stays_when_only_the_name_changes(importer: Importer) -> None:
    batch = shop.put(sku="MILK", category="dairy", price="1.29")
    shop.recompute()
    assert importer(products=PRODUCTS + "MILK,Fresh milk,dairy,1.29,EUR\n").discounts_ended == 0
    assert shop.active(batch) is not None


def test_a_batch_column_that_is_not_required_may_be_absent(importer: Importer) -> None:
    shop.put(sku="MILK", code="B0")
    done = importer(batches="code,sku,quantity,expiry_date\nB1,MILK,1,2030-01-31\n")
    assert done.batches.created == 1


def test_every_bad_row_is_reported_and_no_good_one_imported(importer: Importer) -> None:
    rows = ["A,Thing,toys,1.00,EUR", "B,Thing,toys,x,EUR", "C,Thing,toys,2.00,euro", "D,Thing,toys,3.00,EUR"]
    problems = importer.refused(products=PRODUCTS + "\n".join(rows))
    assert [problem.split(": ")[0] for problem in problems] == ["products.csv:3", "products.csv:4"]
    assert counts() == (0, 0)


def test_a_key_that_stands_twice_names_both_lines(importer: Importer) -> None:
    problems = importer.refused(products=PRODUCTS + MILK + "A,Thing,toys,1.00,EUR\n" + MILK)
    assert problems == ['products.csv:4: sku "MILK" is already on line 2; keep one of them']


def test_a_bad_batch_keeps_the_good_products_out_too(importer: Importer) -> None:
    importer.refused(products=PRODUCTS + MILK, batches=BATCHES + "B1,MILK,x,2030-01-31,\n")
    assert counts() == (0, 0)


def test_a_file_with_only_a_header_imports_nothing(importer: Importer) -> None:
    assert importer(products=PRODUCTS).products.created == 0


def test_a_price_has_no_more_decimals_than_its_currency(importer: Importer) -> None:
    rows = "A,Tea,x,12.50,JPY\nB,Tea,x,12.00,JPY\nC,Tea,x,12.50,EUR\n"
    assert importer.refused(products=PRODUCTS + rows) == [
        "products.csv:2: base_price cannot be used: 12.50 JPY has more than the 0 decimals of JPY. Round it"
    ]


def test_two_spellings_of_one_sku_are_one_product(importer: Importer) -> None:
    composed, decomposed = "K\u00c4SE", "KA\u0308SE"
    assert importer.refused(products=f"{PRODUCTS}{composed},a,x,1,EUR\n{decomposed},b,x,1,EUR\n") == [
        f'products.csv:3: sku "{composed}" is already on line 2; keep one of them'
    ]
    importer(
        products=f"{PRODUCTS}{composed},a,x,1,EUR\n", batches=f"{BATCHES}B1,{decomposed},1,2026-03-01,\n"
    )
    importer(products=f"{PRODUCTS}{decomposed},b,x,1,EUR\n")
    assert counts() == (1, 1)
    with reading() as session:
        assert catalogue.product(session=session, sku=decomposed).name == "b"


def test_a_missing_file_is_named(database: Engine, tmp_path: Path) -> None:
    listener = Listener(
        problem=print, notice=print, checked=lambda path, count: None, to_load=print, loaded=print
    )
    with pytest.raises(UnusableFile, match=r"none\.csv: No such file or directory"):
        import_files(
            files=Files(products=tmp_path / "none.csv"),
            reading=reading,
            transaction=transaction,
            listener=listener,
        )


def test_no_file_at_all_says_what_to_name(importer: Importer) -> None:
    with pytest.raises(NothingToImport, match="--products FILE"):
        importer()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("B1,MILK,1,2030-01-31,2030-02-01", "received_on 2030-02-01 is after expiry_date 2030-01-31"),
        ("B1,BUTTER,1,2030-01-31,", 'sku "BUTTER" is neither in the database nor in a good row'),
        ("B1,MILK,1,2030-01-31", "the row has 4 cells, the header 5"),
        ("B1,MILK,x,y,", 'quantity "x" is not a quantity; give a whole number from 0 to 2147483647; expiry'),
    ],
)
def test_a_batch_that_cannot_be_used_is_named_with_its_line(
    importer: Importer, row: str, reason: str
) -> None:
    [problem] = importer.refused(products=PRODUCTS + MILK, batches=BATCHES + row + "\n")
    assert problem.startswith("batches.csv:2: ")
    assert reason in problem
    assert counts() == (0, 0)

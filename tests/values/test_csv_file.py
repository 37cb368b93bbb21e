"""What a file may look like."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domains.pricing.imports.columns import PRODUCT_COLUMNS
from app.values.csv_file import (
    LONGEST_FIELD,
    Problem,
    Reading,
    Record,
    UnusableFile,
    read_records,
    read_text,
)
from tests.domains.pricing.importer import MILK, PRODUCTS

WRONG = b"sku,name,category,base_prise,currency\n"


Read = Callable[..., list[Record | Problem]]


def as_products(*, notices: list[str] | None = None, strict: bool = False) -> Reading:
    told = [] if notices is None else notices
    return Reading(columns=PRODUCT_COLUMNS, at_byte=lambda _: None, notice=told.append, strict=strict)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads a text as a products file."""

    def rows(content: str | bytes, **options: Any) -> list[Record | Problem]:
        path = tmp_path / "products.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return list(read_records(path, as_products(**options)))

    return rows


def test_a_text_is_read_as_a_file_is(read: Read) -> None:
    text = "\ufeffsep=,\r\n" + PRODUCTS + MILK + '"SOAP,never closed\n'
    assert list(read_text(text, as_products(), name="products.csv")) == read(text)
    with pytest.raises(UnusableFile, match=r"^products\.csv: the file is empty"):
        list(read_text("\ufeff\n", as_products(), name="products.csv"))


def lines_of(found: list[Record | Problem]) -> list[int]:
    return [row.line for row in found]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_byte_order_marks_and_line_ends_are_understood(read: Read, end: str) -> None:
    text = (PRODUCTS + MILK + 'SOAP,"Soap, green",household,2.00,EUR\n').replace("\n", end)
    milk, soap = read(b"\xef\xbb\xbf" + text.encode())
    assert milk == Record(line=2, values=("MILK", "Milk", "dairy", Decimal("1.29"), "EUR"))
    assert soap == Record(line=3, values=("SOAP", "Soap, green", "household", Decimal("2.00"), "EUR"))


def test_columns_may_stand_in_any_order_and_blank_lines_are_passed_over(read: Read) -> None:
    text = "\ncurrency,base_price,sku,name,category\n\nEUR,1.00,A,Thing,Toys\n,,,,\n"
    assert read(text) == [Record(line=4, values=("A", "Thing", "toys", Decimal("1.00"), "EUR"))]


def test_the_line_of_a_row_with_line_breaks_is_where_it_begins(read: Read) -> None:
    text = PRODUCTS + 'A,"Soap\n\ngreen",toys,1.00,EUR\nB,Thing,toys,x,EUR\n'
    assert lines_of(read(text)) == [2, 5]


def test_bytes_that_are_not_utf8_are_named_with_their_line(read: Read) -> None:
    text = PRODUCTS + MILK + "K,Käse,dairy,1.00,EUR\n"
    [_, problem] = read(text.encode("latin-1"))
    assert str(problem).startswith('products.csv:3: name "K?se" is not UTF-8; save the file as UTF-8')


def test_a_quote_that_never_ends_is_named_where_it_begins(read: Read) -> None:
    text = PRODUCTS + MILK + 'A,"Thing,toys,1.00,EUR\n' + "B,Thing,toys,1.00,EUR\n" * 3
    [_, problem] = read(text)
    assert str(problem).startswith("products.csv:3: a quoted field that begins here never ends.")


@pytest.mark.parametrize("content", ["A\0B,Thing,toys,1.00,EUR\n", "A\x07,Thing,toys,1.00,EUR\n"])
def test_control_characters_are_refused(read: Read, content: str) -> None:
    [problem] = read(PRODUCTS + content)
    assert str(problem).startswith("products.csv:2: ")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty. Its first line must be: sku,name,category,base_price,currency"),
        (b"\n\n", "the file is empty"),
        (WRONG, 'column "base_prise" is not known, did you mean "base_price"'),
        (WRONG, 'the column "base_price" is missing'),
        (b"SKU,name,category,base_price,currency\n", 'did you mean "sku"'),
        (b"sku,sku,name,category,base_price,currency\n", 'the column "sku" appears twice'),
        (b"sep=;\nsku;name;category;base_price;currency\n", "separated by semicolons. Use commas"),
        (b"sku;name;category;base_price;currency\n", "separated by semicolons. Use commas"),
        (b"sku\tname\tcategory\n", "separated by tabs. Use commas"),
        (PRODUCTS.encode("utf-16"), "the file is UTF-16. Save it as CSV in UTF-8"),
        (b"MILK,Milk,dairy,1.29,EUR\n", "The header must be: sku,name"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(read: Read, content: bytes, said: str) -> None:
    with pytest.raises(UnusableFile) as caught:
        read(content)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        "sep=,\n" + PRODUCTS + MILK,
        "SEP=,\r\n" + PRODUCTS + MILK,
        "\ufeffsep=,\n\n" + PRODUCTS + MILK,
        PRODUCTS.replace("\n", ",\n") + MILK.replace("\n", ",\n"),
        PRODUCTS.replace("\n", ",,,\n") + MILK,
        PRODUCTS + MILK.replace("\n", ", ,\n"),
    ],
)
def test_what_excel_adds_is_understood(read: Read, content: str) -> None:
    notices: list[str] = []
    [milk] = read(content, notices=notices)
    assert isinstance(milk, Record)
    assert milk.values == ("MILK", "Milk", "dairy", Decimal("1.29"), "EUR")
    assert notices == []


def test_other_columns_are_passed_over_with_a_notice_and_refused_where_that_is_asked_for(read: Read) -> None:
    notices: list[str] = []
    content = "colour,sku,name,,category,base_price,currency,nmae\nred,A,Thing,x,toys,1.00,EUR,\n"
    assert read(content, notices=notices) == [
        Record(line=2, values=("A", "Thing", "toys", Decimal("1.00"), "EUR"))
    ]
    assert notices == [
        'products.csv: the column "colour" is not known; it is ignored.',
        'products.csv: the column "" is not known; it is ignored.',
        'products.csv: the column "nmae" is not known, did you mean "name"?; it is ignored.',
    ]
    with pytest.raises(UnusableFile, match='the column "colour" is not known'):
        read(content, strict=True)


def test_a_wide_field_is_read_or_named(read: Read) -> None:
    wide = "x" * 300_000
    header = PRODUCTS.replace("\n", ",notes\n")
    for quote in ("", '"'):
        [row] = read(header + MILK.replace("\n", f",{quote}{wide}{quote}\n"))
        assert isinstance(row, Record)
        [problem] = read(PRODUCTS + MILK.replace("Milk", f"{quote}{wide}{quote}"))
        assert "has 300000 characters; 200 are allowed" in str(problem)
    problem, *_ = read(PRODUCTS + MILK.replace("Milk", "x" * (LONGEST_FIELD + 1)) + MILK)
    assert f"longer than {LONGEST_FIELD} characters" in str(problem)


def test_two_spellings_of_one_text_are_one(read: Read) -> None:
    [composed, decomposed] = read(PRODUCTS + "K\u00c4SE,Brie,dairy,1,EUR\n" + "KA\u0308SE,Brie,dairy,1,EUR\n")
    assert isinstance(composed, Record)
    assert isinstance(decomposed, Record)
    assert composed.values == decomposed.values


def test_a_row_after_a_bad_one_is_still_read(read: Read) -> None:
    bad, good = read(PRODUCTS + 'A"B,"Thing"x,toys,1.00,EUR\n' + MILK)
    assert isinstance(bad, Problem)
    assert isinstance(good, Record)


def test_a_line_without_end_does_not_fill_the_memory(read: Read) -> None:
    [problem] = read(PRODUCTS + '"' + "x" * 20_000_000)[:1]
    assert isinstance(problem, Problem)


@given(content=st.binary(max_size=300))
def test_whatever_the_bytes_a_row_is_read_or_named(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "products.csv"
        path.write_bytes(PRODUCTS.encode() + content)
        for found in read_records(path, as_products()):
            assert isinstance(found, Problem | Record)

"""What a reader sees: every amount to the cent, every name as it was written, in every layout."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from app.domains.billing.documents import figures
from app.domains.billing.documents.errors import UnknownLayout
from app.domains.billing.documents.layouts import LAYOUTS
from app.domains.billing.documents.rendering import render
from app.domains.billing.documents.typesetting import TEMPLATE
from app.domains.billing.parties import Layout
from app.typesetting.fonts import coverage
from tests.checkout import ROOT
from tests.domains.billing.documents.samples import (
    BUYER,
    HOUR,
    LINES,
    PAYMENT,
    SELLER,
    corners,
    credit_note,
    document,
    fee,
    pages,
    time,
    words,
)

if TYPE_CHECKING:
    from app.domains.billing.documents.facts import Document

every_layout = pytest.mark.parametrize("layout", LAYOUTS)
#: What takes a template out of its folder.
REACHING = re.compile(r"\b(import|include|read|image|plugin|csv|toml|yaml|xml|eval)\b|@")
#: What would be loaded to set a page.
HEAVY = {"typst", "facturx", "fontTools", "pypdf", "lxml", "babel"}
#: Numbers of lines at which the first page ends somewhere.
PAGE_ENDS = {"classic": (21, 28, 2), "modern": (19, 26, 2), "compact": (45, 52, 2)}
#: More than a page has beside each other.
LETTERS_ACROSS = 150
#: What some program or other would run.
MARKUP = (
    "<b>Bold</b> & <script>alert(1)</script>",
    '#let x = 1; #read("/etc/passwd")',
    "$x^2$ *strong* _weak_ = Title",
    "\\input{/etc/passwd} \\u{41}",
    "{{ 7 * 7 }} {% raw %} ${PATH}",
    "- list + enum / term: `code` @ref <label> // comment /* more */",
    "\"quoted\" 'single' -- --- ... ~",
)
SCRIPTS = (
    "Ελληνική Εταιρεία",
    "Общество «Ромашка»",
    "Đặng Thị Ngọc Hà",
    "株式会社サンプル",
    "주식회사 예시",
    "上海示例有限公司",
    "Հայաստան",
    "A → B",
)


def seen(given: Document, layout: str) -> str:
    """The text, every blank alike."""
    return words(given, layout).replace("\xa0", " ")


def amounts_in(text: str) -> list[str]:
    return re.findall("-?[0-9][0-9,]*\\.[0-9]{2}(?![0-9])", text)


@every_layout
def test_every_amount_is_there_to_the_cent(layout: str) -> None:
    given = document(paid=500_00)
    shown = amounts_in(seen(given, layout))

    for amount in (given.net, given.tax, given.gross, -given.paid, given.payable):
        assert figures.amount(amount, "EUR") in shown
    for line in given.lines:
        assert figures.amount(line.net, "EUR") in shown
    for total in given.taxes:
        assert {figures.amount(total.net, "EUR"), figures.amount(total.tax, "EUR")} <= set(shown)


@every_layout
def test_it_says_who_when_and_how_to_pay(layout: str) -> None:
    text = seen(document(), layout)

    for word in (
        "Invoice 2026-0043",
        "28 Nov 2026",
        "12 Dec 2026",
        "1 Nov 2026 \N{EN DASH} 30 Nov 2026",
        SELLER.name,
        "20457 Hamburg",
        "Germany",
        "VAT ID DE123456789",
        BUYER.name,
        "Poland",
        "DE89 3704 0044 0532 0130 00",
        "Please pay within 14 days.",
        "Small business",
        "Thank you for working with us.",
        "Page 1 of 1",
    ):
        assert word in text, word
    assert "DRAFT" not in text


@every_layout
@pytest.mark.parametrize("sign", [1, -1])
def test_a_credit_note_names_its_invoice_and_asks_for_nothing(layout: str, sign: int) -> None:
    given = credit_note(sign=sign)
    text = seen(given, layout)

    assert "Credit note 2026-0043" in text
    assert "Invoice 2026-0042 of 3 Nov 2026" in text
    assert figures.amount(given.gross, "EUR") in amounts_in(text)
    assert "IBAN" not in text


@every_layout
def test_a_draft_is_marked_on_each_page(layout: str) -> None:
    given = document(draft=True, number=None, lines=LINES * 20)
    shown = pages(given, layout)

    assert len(shown) > 1
    assert all("DRAFT" in page for page in shown)
    assert "this is no invoice yet" in shown[0]


@every_layout
def test_what_is_paid_in_full_needs_no_account(layout: str) -> None:
    given = document(lines=(fee(100_00),), paid=119_00)
    assert "IBAN" not in seen(given, layout)


@every_layout
def test_no_lines_are_said_to_be_none(layout: str) -> None:
    text = seen(document(lines=()), layout)
    assert "Nothing is charged." in text
    assert "0.00 EUR" in text


@every_layout
def test_many_lines_go_over_pages_with_their_header(layout: str) -> None:
    given = document(lines=tuple(time(HOUR, net=n, rate=str(n), name=f"Task {n:04}") for n in range(1, 201)))
    shown = pages(given, layout)

    assert len(shown) > 2
    with_lines = [page for page in shown if "Task " in page]
    assert all("Description" in page for page in with_lines)
    assert re.findall(r"Task (\d{4})", " ".join(shown)) == [f"{n:04}" for n in range(1, 201)]
    for number, page in enumerate(shown, 1):
        assert f"Page {number} of {len(shown)}" in " ".join(page.split())


@every_layout
def test_totals_stand_with_the_last_line(layout: str) -> None:
    """However many lines there are: at some number of them the totals do not fit on the page any more."""
    moved = set()
    for count in range(*PAGE_ENDS[layout]):
        lines = tuple(fee(n, name=f"Item {n:03}") for n in range(1, count + 1))
        shown = pages(document(lines=lines, payment=None, notes=(), due=None), layout)
        (at,) = [number for number, page in enumerate(shown) if re.search(r"\bNet\b", page)]
        assert f"Item {count:03}" in shown[at]
        assert "Description" in shown[at]
        moved.add(at)
    assert moved == {0, 1}


@every_layout
def test_what_is_long_is_broken_and_complete(layout: str) -> None:
    name, description = "Wintergarten" * 25, "Überprüfung" * 90
    lines = (*LINES, fee(10**17, name=description, detail=description))
    payment = replace(PAYMENT, terms="Bedingung" * 400, holder=name)
    long: dict[str, Any] = {"name": name, "contact": name, "email": name, "registration": name, "phone": name}
    seller = replace(SELLER, address="Straße\n" * 8, **long)
    given = document(
        seller=seller, buyer=replace(BUYER, name=name), lines=lines, payment=payment, number="7" * 60
    )
    text = "".join(seen(given, layout).split())

    for part in (name, description, figures.amount(10**17, "EUR")):
        assert part in text
    assert text.count("Bedingung") >= 399  # the end of a page may be within one
    assert max(len(line) for page in pages(given, layout) for line in page.split("\n")) < LETTERS_ACROSS
    left, low, right, high = corners(given, layout)
    assert 35 < left < right < 560
    assert 25 < low < high < 820


@every_layout
def test_markup_is_shown_as_it_is(layout: str) -> None:
    lines = tuple(fee(1, name=name, detail=name) for name in MARKUP)
    text = "".join(seen(document(lines=lines, notes=MARKUP), layout).split())
    for name in MARKUP:
        assert text.count("".join(name.split())) == 3, name


@every_layout
def test_a_name_in_any_script_is_there(layout: str) -> None:
    text = seen(document(lines=tuple(fee(1, name=name) for name in SCRIPTS)), layout)
    for name in SCRIPTS:
        assert name in text


@every_layout
@pytest.mark.parametrize("name", ["שלום עולם בע״מ", "شركة المثال"])
def test_a_name_from_right_to_left_has_all_its_letters(layout: str, name: str) -> None:
    """How readers of files order the words differs; each letter is in the file as the one that it is."""
    text = seen(document(buyer=replace(BUYER, name=name)), layout)
    for letter in set(name) - {" "}:
        assert text.count(letter) >= name.count(letter), letter


@every_layout
def test_a_character_that_no_font_has_is_shown_by_its_code(layout: str) -> None:
    text = seen(document(buyer=replace(BUYER, name="Old \U00013000 and \u0e01 ok")), layout)
    assert "Old [U+13000] and [U+0E01] ok" in text


@every_layout
def test_a_mark_that_the_font_of_its_letter_lacks_is_shown_by_its_code(layout: str) -> None:
    text = seen(document(buyer=replace(BUYER, name="Odd あ\u05b0 and ม\u0301 ok")), layout)
    assert "Oddあ[U+05B0]and[U+0E21][U+0301]ok" in "".join(text.split())


@every_layout
def test_whatever_is_written_can_be_set(layout: str) -> None:
    """Marks on letters of other scripts above all, of which no font has both."""
    draw = random.Random(layout)
    known = [chr(code) for font in coverage() for code in font if unicodedata.category(chr(code)) != "Cc"]
    marks = [character for character in known if unicodedata.category(character).startswith("M")]
    anything = [chr(code) for code in range(0xA0, 0x20000) if unicodedata.category(chr(code))[0] != "C"]
    notes = tuple(
        "x" + "".join(draw.choice(pool) for _ in range(300) for pool in (known, marks, anything, known, " "))
        for _ in range(3)
    )
    assert render(document(notes=notes), layout=layout).pdf.startswith(b"%PDF-")


@every_layout
@pytest.mark.parametrize(("currency", "amount"), [("JPY", "1,234"), ("KWD", "1.234"), ("CLF", "0.1234")])
def test_a_currency_has_its_decimals(layout: str, currency: str, amount: str) -> None:
    assert f"{amount} " in seen(document(lines=(fee(1234),), currency=currency), layout)


def test_an_unknown_layout_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        UnknownLayout, match='Did you mean "modern"\\? The layouts are classic, compact, modern'
    ):
        render(document(), layout="modren")


def test_a_tenant_may_choose_each_of_the_layouts() -> None:
    assert {layout.value for layout in Layout} == set(LAYOUTS)


def test_the_payment_has_a_reference_of_its_own() -> None:
    text = seen(
        document(payment=replace(PAYMENT, reference="RF18 5390 0754 7034", holder="Nordlicht Bank")),
        "classic",
    )
    assert "RF18 5390 0754 7034" in text
    assert "Nordlicht Bank" in text


def test_the_template_reads_its_two_files_and_nothing_else() -> None:
    program = re.sub(r"//.*", "", TEMPLATE.read_text())
    assert re.findall(r"json\(([^)]*)\)", program) == ['"document.json"', '"layout.json"']
    assert REACHING.findall(program.replace("text/xml", "").replace("factur-x.xml", "")) == []


FORK = """
import os
from app.typesetting.errors import ForkedAfterTypesetting
from app.domains.billing.documents.rendering import render
from tests.domains.billing.documents.samples import document

if os.fork() == 0:
    render(document())
    os._exit(0)
print("before:", os.wait()[1])
render(document())
if os.fork() == 0:
    try:
        render(document())
    except ForkedAfterTypesetting as error:
        print(error, flush=True)
    os._exit(0)
os.wait()
"""


def test_a_fork_sets_documents_unless_its_parent_did() -> None:
    printed = subprocess.run(
        [sys.executable, "-c", FORK], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert "before: 0" in printed
    assert "after that had set a document, and cannot set any" in printed


def test_nothing_that_sets_type_is_loaded_before_there_is_something_to_set() -> None:
    program = "import sys, app.domains.billing.documents.rendering; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert HEAVY & {module.split(".")[0] for module in loaded.stdout.split()} == set()

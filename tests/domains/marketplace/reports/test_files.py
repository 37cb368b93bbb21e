"""The files of reports say what rows say, whatever models are called, and are made once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, select

from app.db.sessions import reading, transaction
from app.domains.accounts import administration
from app.domains.accounts.roles import Role
from app.domains.marketplace.reports import periods, wording
from app.domains.marketplace.reports.figures import Sales
from app.domains.marketplace.reports.models import Form, SalesReport
from app.domains.marketplace.reports.page import pdf_of
from app.domains.marketplace.reports.spreadsheet import csv_of
from app.outbound.deliveries.models import Delivery
from app.outbound.mail.message import from_content
from app.settings.config import settings
from app.values.money import OFFICIAL
from tests.domains.accounts.people import add_person
from tests.domains.marketplace.market import add_model
from tests.domains.marketplace.reports import shop
from tests.domains.marketplace.reports.shop import (
    JANUARY,
    TODAY,
    before,
    figures,
    rows_of,
    sell,
    text_of,
    use,
)

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.databases("sqlite"), pytest.mark.usefixtures("database")]
HOSTILE = (
    '=HYPERLINK("http://evil.example","x")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    '#let x = 1; #read("/etc/passwd")',
    "<b>株式会社サンプル</b>",
    'Отчёт, "кавычки"',
)


@pytest.fixture(autouse=True)
def _files(configure: Callable[..., None], tmp_path: Path) -> None:
    configure(storage=tmp_path / "files")


def value(rows: list[dict[str, str]], measure: str, **where: str) -> tuple[str, str]:
    """A figure, and that of the period before."""
    [row] = [
        one
        for one in rows
        if one["measure"] == measure and all(one[name] == wanted for name, wanted in where.items())
    ]
    return row["value"], row["before"]


def test_both_files_say_what_was_sold() -> None:
    model = add_model(title="Sentinel")
    sell(model, 1_234_50, quantity=2)
    sell(model, 3_000, currency="JPY")
    sell(model, 1_000_00, at=before(1))
    use(model, views=4_321, downloads=65)
    made = shop.make()
    assert (made.period, made.made) == ("2026-01-31", True)
    rows = rows_of(shop.file(Form.CSV))
    assert value(rows, "net", currency="EUR") == ("2469.00", "1000.00")
    assert value(rows, "net", currency="JPY") == ("3000", "0")
    assert value(rows, "net_of_model", currency="EUR", model="Sentinel") == ("2469.00", "")
    assert value(rows, "net_of_day", currency="EUR", date="2026-01-30") == ("1000.00", "")
    assert value(rows, "views_of_model", model_id=f"{model}") == ("4321", "")
    text = text_of(shop.file(Form.PDF))
    for part in (
        "Sales on Saturday, 31 January 2026",
        "Compared with Friday, 30 January 2026",
        "Net sales, EUR 2,469.00 +146.9 % 1 order",
        "Net sales, JPY 3,000 none before 1 order",
        "Sentinel 2 2,469.00",
        "Sentinel 65 4,321",
    ):
        assert part in text, (part, text)


def test_a_month_says_how_it_grew() -> None:
    model = add_model(title="Sentinel")
    sell(model, 50_00)
    sell(model, 200_00, at=before(40))
    shop.make(JANUARY)
    text = text_of(shop.file(Form.PDF, JANUARY))
    for part in ("Sales in January 2026", "Compared with December 2025", "Net sales, EUR 50.00 \u221275.0 %"):
        assert part in text, (part, text)
    rows = rows_of(shop.file(Form.CSV, JANUARY))
    assert value(rows, "net", currency="EUR") == ("50.00", "200.00")


def test_a_day_without_a_sale_says_so() -> None:
    shop.make()
    assert "Nothing was sold on this day." in text_of(shop.file(Form.PDF))
    assert {row["value"] for row in rows_of(shop.file(Form.CSV))} == {"0"}


def test_titles_are_data_in_every_script_and_no_formula() -> None:
    for title in HOSTILE:
        sell(add_model(title=title))
    sell(add_model(title="مرحبا\u202eevil"))
    sell(add_model(title="W" * 200))
    shop.make()
    data = shop.file(Form.CSV)
    assert data.startswith(b"\xef\xbb\xbf")
    named = {row["model"] for row in rows_of(data)}
    assert {"'" + title for title in HOSTILE[:2]} | set(HOSTILE[2:]) <= named
    assert not [name for name in named if name.startswith(("=", "+", "-", "@", "\t"))]
    assert "\u202e" not in "".join(named)
    text = "".join(text_of(shop.file(Form.PDF)).split())
    for title in HOSTILE:
        assert "".join(wording.cut(title).split()) in text
    assert "WWW…" in text


def test_all_currencies_and_amounts_of_any_size_find_room() -> None:
    most = {code: Sales(orders=9, net=10**18, gross=10**18) for code in sorted(OFFICIAL)}
    huge = replace(figures(), sales=most, sales_before=most, days={"EUR": {shop.DAY: 10**18}})
    text = text_of(pdf_of(huge))
    assert text.count("10,000,000,000,000,000.00") >= 100
    assert "more currencies are in the table" in text
    assert len(rows_of(csv_of(huge))) < 7 + 6 * len(OFFICIAL) + 2


def test_the_same_figures_are_the_same_bytes() -> None:
    sell(add_model())
    assert pdf_of(figures()) == pdf_of(figures())
    assert csv_of(figures()) == csv_of(figures())


def test_administrators_who_may_sign_in_are_mailed_and_nobody_else() -> None:
    for role in Role:
        add_person(f"{role}@example.org", role=role)
    add_person("gone@example.org", role=Role.ADMIN)
    with transaction() as session:
        administration.disable(session, email="gone@example.org")
    sell(add_model(), 1_250_00)
    assert shop.make().mails == 1
    with reading() as session:
        [mail] = session.scalars(select(Delivery).where(Delivery.key.startswith("sales-report:")))
        told = from_content(mail.key, mail.content)
    assert (told.to, told.subject) == (("admin@example.org",), "Sales on Saturday, 31 January 2026")
    assert "Net 1,250.00 EUR, 1 order (none before)" in told.text
    assert "token=" not in str(mail.content), "it is sealed"


def test_a_report_is_made_once_whatever_is_sold_later() -> None:
    assert shop.make().made
    first = {form: shop.file(form) for form in Form}
    sell(add_model())
    assert not shop.make().made
    assert {form: shop.file(form) for form in Form} == first
    assert [one.sha256 for one in shop.reports()] == [
        sha256(first[form]).hexdigest() for form in (Form.PDF, Form.CSV)
    ]


def test_who_comes_second_leaves_the_files_of_the_first() -> None:
    shop.make()
    first, kept = {form: shop.file(form) for form in Form}, shop.reports()
    sell(add_model())
    with transaction() as session:
        session.execute(delete(SalesReport))

    def another_was_first() -> None:
        names = [column.key for column in SalesReport.__table__.columns]
        with transaction() as session:
            session.add_all(SalesReport(**{name: getattr(one, name) for name in names}) for one in kept)

    assert not shop.make(meanwhile=another_was_first).made
    assert {form: shop.file(form) for form in Form} == first
    folder = Path(settings().storage) / "reports" / "daily"
    assert sorted(one.name for one in folder.iterdir()) == sorted(
        PurePath(one.storage_key).name for one in kept
    )


@pytest.mark.parametrize(
    ("minor", "shown"),
    [
        (0, "0"),
        (950_49, "950"),
        (999_50, "1.0k"),
        (1_250_00, "1.2k"),
        (12_345_00, "12k"),
        (10**18, "10,000tn"),
    ],
)
def test_amounts_above_bars_are_short(minor: int, shown: str) -> None:
    assert wording.compact(minor, "EUR") == shown


def test_the_day_before_the_first_of_a_month_is_one_of_another() -> None:
    assert wording.name(periods.of_day(date(2026, 3, 1)).before) == "Saturday, 28 February 2026"
    assert str(TODAY.before) == "2026-01-30"

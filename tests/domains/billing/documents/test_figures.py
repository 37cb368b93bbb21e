"""Amounts, hours and days look the same in every locale, and lose nothing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from app.domains.billing.charging.taxes import TaxCategory
from app.domains.billing.documents import figures
from app.values.row_ids import MAX_BIGINT


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (0, "EUR", "0.00"),
        (5, "EUR", "0.05"),
        (-123456, "EUR", "-1,234.56"),
        (123456, "JPY", "123,456"),
        (123456, "KWD", "123.456"),
        (1, "CLF", "0.0001"),
        (MAX_BIGINT, "EUR", "92,233,720,368,547,758.07"),
        (-MAX_BIGINT, "JPY", "-9,223,372,036,854,775,807"),
    ],
)
def test_an_amount_has_the_decimals_of_its_currency(minor: int, currency: str, shown: str) -> None:
    assert figures.amount(minor, currency) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        ([], []),
        ([3600, None, 5400], ["1.00", "", "1.50"]),
        ([36, 0], ["0.01", "0.00"]),
        ([1200, 3600], ["0:20", "1:00"]),  # 20 minutes are 0.33333... hours
        ([3661, 60], ["1:01:01", "0:01"]),
        ([3_600_000], ["1,000.00"]),
        ([3_600_000 + 60], ["1,000:01"]),
    ],
)
def test_hours_are_exact_and_all_in_one_way(seconds: list[int | None], shown: list[str]) -> None:
    assert figures.hours(seconds) == shown


@pytest.mark.parametrize(
    ("costs", "currency", "shown"),
    [
        (["9000"], "EUR", ["90.00"]),
        (["9000", "13500.5"], "EUR", ["90.000", "135.005"]),
        (["9000", None], "JPY", ["9,000", ""]),
        (["0"], "EUR", ["0.00"]),
        (["1E+4"], "EUR", ["100.00"]),
        ([], "EUR", []),
    ],
)
def test_rates_have_as_many_decimals_as_one_of_them_needs(
    costs: list[str | None], currency: str, shown: list[str]
) -> None:
    given = (None if cost is None else Decimal(cost) for cost in costs)
    assert figures.rates(given, currency) == shown


@pytest.mark.parametrize(
    ("category", "rate", "shown"),
    [
        (TaxCategory.STANDARD, "19.0000", "19\xa0%"),
        (TaxCategory.STANDARD, "8.875", "8.875\xa0%"),
        (TaxCategory.STANDARD, "1E+1", "10\xa0%"),
        (TaxCategory.ZERO, "0", "0\xa0%"),
        (TaxCategory.EXEMPT, "0", "exempt"),
        (TaxCategory.REVERSE_CHARGE, "0", "reverse charge"),
    ],
)
def test_a_rate_of_tax_says_why_there_is_none(category: TaxCategory, rate: str, shown: str) -> None:
    assert figures.percent(category, Decimal(rate)) == shown


def test_a_day_is_taken_for_no_other() -> None:
    assert figures.day(date(2026, 3, 2)) == "2\xa0Mar\xa02026"


def test_an_account_number_is_in_groups() -> None:
    assert figures.grouped("DE89370400440532013000").split("\xa0") == [
        "DE89",
        "3704",
        "0044",
        "0532",
        "0130",
        "00",
    ]

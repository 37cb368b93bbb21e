"""Amounts in minor units, exact in every currency."""

from __future__ import annotations

from decimal import Decimal

import pytest
from babel.numbers import get_currency_precision, list_currencies
from hypothesis import given
from hypothesis import strategies as st

from app.values.money import OFFICIAL, FractionOfMinorUnit, minor_digits, shown, to_decimal, to_minor


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("12.50", "EUR", 1250), ("-0.01", "USD", -1), ("1250", "JPY", 1250), ("1.234", "KWD", 1234)],
)
def test_an_amount_is_counted_in_the_smallest_unit_of_its_currency(
    amount: str, currency: str, minor: int
) -> None:
    assert to_minor(Decimal(amount), currency) == minor
    assert to_decimal(minor, currency) == Decimal(amount)


@given(minor=st.integers(-(10**18), 10**18), currency=st.sampled_from(["EUR", "JPY", "KWD", "CLF"]))
def test_nothing_is_lost_on_the_way_there_and_back(minor: int, currency: str) -> None:
    assert to_minor(to_decimal(minor, currency), currency) == minor


@pytest.mark.parametrize(("amount", "currency"), [("0.001", "EUR"), ("0.5", "JPY")])
def test_a_fraction_of_the_smallest_unit_is_refused_and_not_rounded(amount: str, currency: str) -> None:
    with pytest.raises(FractionOfMinorUnit, match=f"{amount} {currency} has more than the"):
        to_minor(Decimal(amount), currency)


def test_a_person_reads_an_amount_with_its_currency() -> None:
    assert shown(125_000, "EUR") == "1,250.00 EUR"
    assert shown(-5, "USD") == "-0.05 USD"
    assert shown(1250, "JPY") == "1,250 JPY"


def test_a_currency_that_nobody_lists_has_two_decimals() -> None:
    assert minor_digits("XXX") == 2


#: Those of which coins smaller than one unit are out of use.
WITHOUT_SMALL_COINS = {
    *("AFN", "ALL", "COP", "HUF", "IDR", "IQD", "IRR", "KPW"),
    *("LAK", "LBP", "MGA", "MMK", "SLL", "SOS", "SYP", "YER"),
}


def test_the_decimals_are_those_that_others_know_or_more_where_small_coins_are_out_of_use() -> None:
    assert set(list_currencies()) >= OFFICIAL
    differ = {code for code in OFFICIAL if get_currency_precision(code) != minor_digits(code)}
    assert differ == WITHOUT_SMALL_COINS
    assert {get_currency_precision(code) for code in differ} == {0}

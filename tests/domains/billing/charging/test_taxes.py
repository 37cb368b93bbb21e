"""Taxes are rounded once per rate, and currencies have the decimals that they have."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from app.domains.billing.charging.taxes import Tax, TaxCategory
from app.domains.billing.charging.totals import invoice_of
from tests.domains.billing.charging.work import EXEMPT, REDUCED, VAT, ZERO, Case, fixed, hourly, worked

if TYPE_CHECKING:
    from app.domains.billing.charging.invoices import Invoice

REVERSED = Tax(category=TaxCategory.REVERSE_CHARGE, percent=Decimal(0), reason="Reverse charge")
ANOTHER_REASON = Tax(category=TaxCategory.EXEMPT, percent=Decimal(0), reason="Medical care")


def invoiced(*fees: tuple[int, Tax], currency: str = "EUR") -> Invoice:
    rules = tuple(
        fixed(fee, number=n, project=n, tax=tax, currency=currency) for n, (fee, tax) in enumerate(fees, 1)
    )
    (invoice,) = Case(rules=rules, lines=()).charges().invoices
    return invoice


def percent(rate: str) -> Tax:
    return Tax(percent=Decimal(rate))


@pytest.mark.parametrize(
    ("fees", "taxes", "totals"),
    [
        # Taxes as (category, net, tax), totals as (net, tax, gross).
        ([(100_00, VAT)], [("S", 10000, 1900)], (10000, 1900, 11900)),
        (
            [(100_00, VAT), (50_00, REDUCED)],
            [("S", 10000, 1900), ("S", 5000, 350)],  # 5000 x 0.07
            (15000, 2250, 17250),
        ),
        # 99 x 0.19 = 18.81; by line it would be 3 x 6 (6.27) = 18.
        ([(33, VAT), (33, VAT), (33, VAT)], [("S", 99, 19)], (99, 19, 118)),
        # 6 x 0.19 = 1.14; by line it would be 2 x 1 (0.57) = 2.
        ([(3, VAT), (3, VAT)], [("S", 6, 1)], (6, 1, 7)),
        ([(50, percent("5"))], [("S", 50, 3)], (50, 3, 53)),  # 2.5
        ([(100_00, percent("8.875"))], [("S", 10000, 888)], (10000, 888, 10888)),  # 887.5
        ([(100_00, percent("19")), (100_00, percent("19.00"))], [("S", 20000, 3800)], (20000, 3800, 23800)),
        ([(100_00, ZERO)], [("Z", 10000, 0)], (10000, 0, 10000)),
        ([(100_00, EXEMPT)], [("E", 10000, 0)], (10000, 0, 10000)),
        ([(100_00, EXEMPT), (70_00, ZERO)], [("E", 10000, 0), ("Z", 7000, 0)], (17000, 0, 17000)),
        (
            [(10_00, ZERO), (20_00, REVERSED), (30_00, VAT), (40_00, EXEMPT)],
            [("S", 3000, 570), ("AE", 2000, 0), ("E", 4000, 0), ("Z", 1000, 0)],  # 3000 x 0.19
            (10000, 570, 10570),
        ),
        ([(0, VAT)], [("S", 0, 0)], (0, 0, 0)),
    ],
)
def test_a_tax_is_rounded_once_for_its_rate(
    fees: list[tuple[int, Tax]], taxes: list[tuple[str, int, int]], totals: tuple[int, int, int]
) -> None:
    invoice = invoiced(*fees)

    assert [(total.category, total.net, total.tax) for total in invoice.taxes] == taxes
    assert (invoice.net, invoice.tax, invoice.gross) == totals


def test_an_exemption_has_its_reason_and_a_rate_of_zero_has_none() -> None:
    exempt, zero = invoiced((100, EXEMPT), (100, ZERO)).taxes

    assert exempt.reason == "Small business"
    assert zero.reason is None


def test_an_exemption_for_two_reasons_is_one_with_both() -> None:
    (exempt,) = invoiced((100, EXEMPT), (100, ANOTHER_REASON), (100, EXEMPT)).taxes

    assert exempt.net == 300
    assert exempt.reason == "Medical care; Small business"


def test_an_invoice_without_lines_comes_to_nothing() -> None:
    invoice = invoice_of((), currency="EUR")

    assert (invoice.lines, invoice.taxes) == ((), ())
    assert (invoice.net, invoice.tax, invoice.gross) == (0, 0, 0)


@pytest.mark.parametrize(
    ("currency", "rate", "end", "net", "tax"),
    [
        ("EUR", 90_00, "09:20", 3000, 570),  # 9000 / 3; 3000 x 0.19
        ("JPY", 10_000, "09:20", 3333, 633),  # 10000 / 3; 3333 x 0.19 = 633.27
        ("JPY", 9, "09:10", 2, 0),  # 1.5 yen; 0.38
        ("KWD", 30_000, "09:07", 3500, 665),  # 30.000 dinars x 7 / 60; 3500 x 0.19
        ("KWD", 10_001, "09:30", 5001, 950),  # 5000.5 fils; 5001 x 0.19 = 950.19
        ("CLF", 10_000, "09:20", 3333, 633),  # four decimals
    ],
)
def test_amounts_are_whole_minor_units_of_their_currency(
    currency: str, rate: int, end: str, net: int, tax: int
) -> None:
    (invoice,) = (
        Case(
            rules=(hourly(rate, currency=currency),),
            entries=(worked("2026-03-02 09:00", f"2026-03-02 {end}"),),
            lines=(),
        )
        .charges()
        .invoices
    )

    assert (invoice.currency, invoice.net, invoice.tax, invoice.gross) == (currency, net, tax, net + tax)


def test_a_client_with_three_currencies_gets_three_invoices() -> None:
    case = Case(
        rules=(
            hourly(90_00, number=3, project=1, currency="EUR"),
            hourly(10_000, number=2, project=2, currency="JPY", tax=percent("10")),
            hourly(30_000, number=1, project=3, currency="KWD", tax=ZERO),
            fixed(500_00, number=4, project=4, currency="EUR", tax=REDUCED),
        ),
        entries=tuple(worked("2026-03-02 09:00", "2026-03-02 10:00", number=n, project=n) for n in (1, 2, 3)),
        lines=(),
    )

    assert [
        (invoice.currency, [line.net for line in invoice.lines], invoice.gross)
        for invoice in case.charges().invoices
    ] == [
        ("EUR", [9000, 50000], 64210),  # 9000 + 1710 + 50000 + 3500
        ("JPY", [10000], 11000),
        ("KWD", [30000], 30000),
    ]


def test_a_rule_that_changes_its_currency_makes_two_invoices() -> None:
    case = Case(
        rules=(hourly(until="2026-03-15"), hourly(100_00, number=2, since="2026-03-16", currency="USD")),
        entries=(
            worked("2026-03-15 09:00", "2026-03-15 10:00"),
            worked("2026-03-16 09:00", "2026-03-16 10:00", number=2),
        ),
        lines=(),
    )

    assert [(one.currency, one.net) for one in case.charges().invoices] == [("EUR", 9000), ("USD", 10000)]

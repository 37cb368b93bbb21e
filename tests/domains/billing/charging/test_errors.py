"""What cannot be charged is refused in one sentence that names it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from app.domains.billing.charging import errors
from app.domains.billing.charging.bounds import MAX_FEE, MAX_RATE, NEW
from app.domains.billing.charging.carrying import CarriedFromLater, CarriedWithoutRetainer, Unused
from app.domains.billing.charging.entries import MAX_LENGTH, Entry
from app.domains.billing.charging.hours import Kind
from app.domains.billing.charging.invoices import Line
from app.domains.billing.charging.periods import Period
from app.domains.billing.charging.rounding import Rounding
from app.domains.billing.charging.rules import Fixed, Hourly, Overtime, Retainer
from app.domains.billing.charging.taxes import Tax, TaxCategory, TaxRateNotAllowed, TaxReasonMissing
from app.domains.billing.charging.totals import invoice_of
from app.errors import InvalidInput
from app.values.money import AmountTooLarge
from app.values.row_ids import MAX_BIGINT
from app.values.timezones import UnknownTimezone
from tests.domains.billing.charging.work import BERLIN, VAT, Case, hourly, retainer, unused, worked

if TYPE_CHECKING:
    from collections.abc import Callable

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
ENTRY: dict[str, Any] = {
    "id": 7,
    "project_id": 1,
    "worker_id": 1,
    "timezone": BERLIN,
    "start": START,
    "end": START,
}
RULE: dict[str, Any] = {"id": 7, "currency": "EUR", "tax": VAT, "effective_from": date(2026, 1, 1)}
RETAINER: dict[str, Any] = {**RULE, "fee": 1, "included_hours": Decimal(1), "rate": 1}
HUGE = 10**5000
NOT_A_NUMBER = Decimal("NaN")


def refused(make: Callable[..., object], *, error: type[InvalidInput], says: str, **facts: Any) -> None:
    with pytest.raises(error) as caught:
        make(**facts)
    assert says in str(caught.value)
    assert caught.value.code != InvalidInput.code
    str(caught.value).encode()  # what an answer or a log cannot carry is escaped


@pytest.mark.parametrize(
    ("changed", "error", "says"),
    [
        (
            {"start": START.replace(tzinfo=None)},
            errors.NaiveTime,
            "The start of entry 7 is 2026-03-02T09:00:00,",
        ),
        ({"end": START.replace(tzinfo=None)}, errors.NaiveTime, "The end of entry 7 is"),
        (
            {"end": START - timedelta(seconds=1)},
            errors.EndBeforeStart,
            "Entry 7 starts at 2026-03-02T09:00:00+00:00 and ends at 2026-03-02T08:59:59+00:00,",
        ),
        (
            {"end": START + MAX_LENGTH + timedelta(seconds=1)},
            errors.EntryTooLong,
            "Entry 7 is 745 hours long,",
        ),
        (
            {"start": datetime.min.replace(tzinfo=UTC)},
            errors.YearNotAllowed,
            "start of entry 7 is in the year 1:",
        ),
        (
            {"end": datetime.max.replace(tzinfo=UTC)},
            errors.YearNotAllowed,
            "end of entry 7 is in the year 9999:",
        ),
        ({"timezone": "Europe/Berlim"}, UnknownTimezone, 'Did you mean "Europe/Berlin"?'),
        ({"timezone": ""}, UnknownTimezone, 'There is no time zone "".'),
        ({"timezone": "../etc/passwd"}, UnknownTimezone, "There is no time zone"),
        ({"id": 0}, errors.NumberNotAllowed, "The id of an entry cannot be 0: give a whole number from 1"),
        ({"id": True}, errors.NumberNotAllowed, "cannot be True"),
        (
            {"id": NEW, "end": START - timedelta(hours=1)},
            errors.EndBeforeStart,
            "The new entry starts at 2026-03-02T09:00:00+00:00 and",
        ),
        ({"project_id": MAX_BIGINT + 1}, errors.NumberNotAllowed, "id of the project of entry 7"),
        ({"worker_id": -1}, errors.NumberNotAllowed, "id of the worker of entry 7 cannot be -1"),
        ({"worker_id": HUGE}, errors.NumberNotAllowed, "cannot be a number of more than 40 digits"),
    ],
)
def test_an_entry_that_cannot_be(changed: dict[str, Any], error: type[InvalidInput], says: str) -> None:
    refused(Entry, error=error, says=says, **ENTRY | changed)


@pytest.mark.parametrize(
    ("changed", "error", "says"),
    [
        (
            {"rate": -1},
            errors.NumberNotAllowed,
            "hourly rate of rule 7 in minor units of EUR cannot be -1: give",
        ),
        ({"rate": MAX_RATE + 1}, errors.NumberNotAllowed, "cannot be 1000000000001"),
        ({"rate": 90.5}, errors.NumberNotAllowed, "cannot be 90.5: give a whole number"),
        ({"rate": HUGE}, errors.NumberNotAllowed, "cannot be a number of more than 40 digits"),
        ({"fee": -1}, errors.NumberNotAllowed, "fee of rule 7 in minor units of EUR cannot be -1"),
        ({"fee": MAX_FEE + 1}, errors.NumberNotAllowed, "cannot be 1000000000000001"),
        (
            {"included_hours": Decimal(-1)},
            errors.NumberNotAllowed,
            "included time of rule 7 in hours cannot be -1",
        ),
        (
            {"included_hours": NOT_A_NUMBER},
            errors.NumberNotAllowed,
            "cannot be NaN: give a decimal with at most 2",
        ),
        ({"included_hours": Decimal("Infinity")}, errors.NumberNotAllowed, "cannot be Infinity"),
        ({"included_hours": Decimal("1E+999999")}, errors.NumberNotAllowed, "cannot be 1E+999999"),
        ({"included_hours": Decimal("0.001")}, errors.NumberNotAllowed, "cannot be 0.001"),
        ({"included_hours": Decimal("0E-999999")}, errors.NumberNotAllowed, "cannot be 0E-999999"),
        ({"included_hours": Decimal("1E-999999")}, errors.NumberNotAllowed, "cannot be 1E-999999"),
        ({"included_hours": 1.5}, errors.NumberNotAllowed, "cannot be 1.5"),
        ({"cap_hours": Decimal(100_001)}, errors.NumberNotAllowed, "cap of rule 7 in hours cannot be 100001"),
        (
            {"carry_periods": -1},
            errors.NumberNotAllowed,
            "periods of rule 7 that hours are carried for cannot be -1",
        ),
        ({"carry_periods": 121}, errors.NumberNotAllowed, "cannot be 121: give a whole number from 0 to 120"),
        (
            {"currency": "EURO"},
            errors.UnknownCurrency,
            "Rule 7 is in 'EURO', which is no currency of ISO 4217.",
        ),
        ({"currency": "eur"}, errors.UnknownCurrency, 'Did you mean "EUR"?'),
        ({"currency": ""}, errors.UnknownCurrency, "Use a code such as EUR."),
        ({"currency": "\ud800\0"}, errors.UnknownCurrency, r"'\ud800\x00'"),
        ({"currency": "E" * 1_000_000}, errors.UnknownCurrency, f"'{'E' * 40}'"),
        ({"effective_to": date(2025, 12, 31)}, errors.RuleEndsBeforeStart, "from 2026-01-01 to 2025-12-31,"),
        ({"id": 0}, errors.NumberNotAllowed, "The id of a rule cannot be 0"),
        ({"project_id": 0}, errors.NumberNotAllowed, "id of the project of rule 7 cannot be 0"),
        ({"id": NEW, "rate": -1}, errors.NumberNotAllowed, "hourly rate of the new rule in minor units of"),
        ({"id": NEW, "currency": "EURO"}, errors.UnknownCurrency, "The new rule is in 'EURO', which"),
    ],
)
def test_a_rule_that_cannot_be(changed: dict[str, Any], error: type[InvalidInput], says: str) -> None:
    refused(Retainer, error=error, says=says, **RETAINER | changed)


@pytest.mark.parametrize("make", [Hourly, Fixed])
def test_every_kind_of_rule_has_bounds(make: Callable[..., object]) -> None:
    amount = "rate" if make is Hourly else "fee"

    refused(make, error=errors.NumberNotAllowed, says="rule 7", **RULE, **{amount: -1})


@pytest.mark.parametrize("minutes", [-15, 7, 45, 61, 120, 1.5, True, pytest.param(HUGE, id="huge")])
def test_an_increment_that_does_not_divide_an_hour(minutes: Any) -> None:
    says = "10, 12, 15, 20, 30, 60, where 0 is to the second."
    refused(Rounding, error=errors.IncrementNotAllowed, says=says, minutes=minutes)


@pytest.mark.parametrize(
    ("hours", "multiplier", "says"),
    [
        ("-1", "1.5", "The threshold of overtime in hours cannot be -1"),
        ("24.01", "1.5", "threshold of overtime in hours cannot be 24.01"),
        (
            "8",
            "0.5",
            "The multiplier of overtime cannot be 0.5: give a decimal with at most 4 places from 1 to 10.",
        ),
        ("8", "11", "multiplier of overtime cannot be 11"),
        ("8", "1.23456", "multiplier of overtime cannot be 1.23456"),
        ("8", "NaN", "multiplier of overtime cannot be NaN"),
        ("sNaN", "1.5", "threshold of overtime in hours cannot be sNaN"),
    ],
)
def test_overtime_that_cannot_be(hours: str, multiplier: str, says: str) -> None:
    facts = {"threshold_hours": Decimal(hours), "multiplier": Decimal(multiplier)}
    refused(Overtime, error=errors.NumberNotAllowed, says=says, **facts)


@pytest.mark.parametrize(
    ("category", "percent", "reason", "error", "says"),
    [
        ("S", "-1", None, errors.NumberNotAllowed, "The tax rate in percent cannot be -1"),
        ("S", "100.1", None, errors.NumberNotAllowed, "cannot be 100.1"),
        ("S", "19.00001", None, errors.NumberNotAllowed, "cannot be 19.00001"),
        (
            "S",
            "0",
            None,
            TaxRateNotAllowed,
            "category S cannot be 0 %: give a rate above 0, or the category",
        ),
        ("Z", "7", None, TaxRateNotAllowed, "category Z cannot be 7 %: give 0."),
        ("E", "7", "Health", TaxRateNotAllowed, "category E cannot be 7 %"),
        ("E", "0", None, TaxReasonMissing, "category E cannot be used: it has no visible character"),
        ("E", "0", " \u200b", TaxReasonMissing, "it has no visible character"),
        ("AE", "0", "", TaxReasonMissing, "category AE"),
        ("E", "0", "a\0", TaxReasonMissing, "U+0000"),
        ("E", "0", "\ud800", TaxReasonMissing, "U+D800"),
        ("E", "0", "x" * 501, TaxReasonMissing, "it has 501 characters, and 500 is the most"),
        ("Z", "0", "Export", TaxReasonMissing, "category Z cannot be used"),
    ],
)
def test_a_tax_that_cannot_be(
    category: str, percent: str, reason: str | None, error: type[InvalidInput], says: str
) -> None:
    facts = {"category": TaxCategory(category), "percent": Decimal(percent), "reason": reason}
    refused(Tax, error=error, says=says, **facts)


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-3", "2026-13", "2026-00", "2026-03-01", "٢٠٢٦-٠٣", "\ud800"]
)
def test_a_text_that_is_no_period(text: str) -> None:
    refused(Period.parse, error=errors.MalformedPeriod, says="give a month as YYYY-MM", text=text)


@pytest.mark.parametrize("text", ["0000-01", "1969-12", "2200-01", "9999-12"])
def test_a_period_that_is_far(text: str) -> None:
    refused(Period.parse, error=errors.YearNotAllowed, says="from 1970 to 2199", text=text)


def test_unused_time_has_bounds() -> None:
    facts = {"period": Period.parse("2026-02"), "seconds": -1}
    refused(Unused, error=errors.NumberNotAllowed, says="unused seconds of 2026-02 cannot be -1", **facts)


HOUR = worked("2026-03-02 09:00", "2026-03-02 10:00", number=5)


@pytest.mark.parametrize(
    ("case", "error", "says"),
    [
        (
            Case(rules=(hourly(number=3), hourly(number=4, since="2026-03-10")), lines=()),
            errors.OverlappingRules,
            "Rules 3 and 4 for the whole client are both in force on 2026-03-10. End rule 3 before that day.",
        ),
        (
            Case(
                rules=(
                    hourly(number=4, project=9, since="2026-03-10"),
                    hourly(number=3, project=9, until="2026-03-10"),
                ),
                lines=(),
            ),
            errors.OverlappingRules,
            "Rules 3 and 4 for project 9 are both in force on 2026-03-10.",
        ),
        (
            Case(rules=(hourly(number=3), hourly(number=3, since="2027-01-01")), lines=()),
            errors.DuplicateRule,
            "Rule 3 is given more than once.",
        ),
        (Case(rules=(), entries=(HOUR,), lines=()), errors.NoRule, "entry 5 of project 1 on 2026-03-02"),
        (
            Case(rules=(hourly(since="2026-03-03"),), entries=(HOUR,), lines=()),
            errors.NoRule,
            "No rule is in force for entry 5",
        ),
        (
            Case(rules=(hourly(project=2),), entries=(HOUR,), lines=()),
            errors.NoRule,
            "No rule is in force for entry 5",
        ),
        (
            Case(rules=(hourly(),), entries=(HOUR, HOUR), lines=()),
            errors.DuplicateEntry,
            "Entry 5 is given more",
        ),
        (
            Case(
                rules=(hourly(),),
                entries=(HOUR,),
                earlier=(worked("2026-02-02 09:00", "2026-02-02 10:00", number=5),),
                lines=(),
            ),
            errors.DuplicateEntry,
            "Entry 5 is given more than once.",
        ),
        (
            Case(period="2026-04", rules=(hourly(),), entries=(HOUR,), lines=()),
            errors.EntryOfAnotherPeriod,
            "Entry 5 starts on 2026-03-02 in the client's time zone, which is not in 2026-04.",
        ),
        (
            Case(rules=(hourly(),), earlier=(HOUR,), lines=()),
            errors.EntryOfAnotherPeriod,
            "which is not before 2026-03.",
        ),
        (Case(zone="Mars/Base", rules=(), lines=()), UnknownTimezone, 'There is no time zone "Mars/Base".'),
        (
            Case(rules=(hourly(number=3),), carried=(unused("2026-02", "1"),), lines=()),
            CarriedWithoutRetainer,
            "There are unused hours of rule 3, which is not one of the retainers.",
        ),
        (
            Case(rules=(retainer(1, "1", carry=1),), carried=(unused("2026-03", "1"),), lines=()),
            CarriedFromLater,
            "Unused hours of 2026-03 cannot be carried to 2026-03.",
        ),
    ],
)
def test_what_cannot_be_charged(case: Case, error: type[InvalidInput], says: str) -> None:
    refused(case.charges, error=error, says=says)


def _line(net: int, tax: Tax = VAT) -> Line:
    return Line(kind=Kind.FEE, rule_id=1, snapshot={}, currency="EUR", shares=(), rate=None, net=net, tax=tax)


@pytest.mark.parametrize(
    "nets",
    [
        [MAX_BIGINT, 1],  # the net
        [MAX_BIGINT],  # the gross, with its tax
    ],
)
def test_a_total_that_no_column_holds(nets: list[int]) -> None:
    lines = [_line(net) for net in nets]
    refused(
        invoice_of,
        error=AmountTooLarge,
        says="is not an amount that can be stored",
        lines=lines,
        currency="EUR",
    )


def test_a_line_that_no_column_holds() -> None:
    # 742 hours (clocks skip one) at 10 x 10^12 are 7.42 x 10^15 for each of 1,299 workers: 9.6 x 10^18.
    rule = hourly(MAX_RATE, overtime=Overtime(threshold_hours=Decimal(0), multiplier=Decimal(10)))
    workers = range(1, 1300)
    entries = [
        worked("2026-03-01 00:00", "2026-03-31 23:00", number=worker, worker=worker) for worker in workers
    ]
    case = Case(rules=(rule,), entries=tuple(entries), lines=())

    refused(case.charges, error=AmountTooLarge, says="is not an amount that can be stored")

"""Whatever the entries and rules are: totals add up, nothing is lost, and nothing is charged twice."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domains.billing.charging.calculation import calculate
from app.domains.billing.charging.entries import Entry
from app.domains.billing.charging.hours import Kind
from app.domains.billing.charging.periods import Period
from app.domains.billing.charging.rules import Hourly, Retainer
from app.domains.billing.charging.snapshots import snapshot_of
from tests.domains.billing.charging.months import PERIODS, ZONES, Month, months
from tests.domains.billing.charging.work import VAT, hourly, overtime

if TYPE_CHECKING:
    from decimal import Decimal

    from app.domains.billing.charging.carrying import Unused


@settings(deadline=None)
@given(month=months())
def test_totals_add_up(month: Month) -> None:
    invoices = month.charges().invoices

    assert len({invoice.currency for invoice in invoices}) == len(invoices)
    for invoice in invoices:
        assert {line.currency for line in invoice.lines} == {invoice.currency}
        assert sum(line.net for line in invoice.lines) == invoice.net
        assert sum(total.net for total in invoice.taxes) == invoice.net
        assert sum(total.tax for total in invoice.taxes) == invoice.tax
        assert invoice.net + invoice.tax == invoice.gross
        for total in invoice.taxes:
            assert abs(total.tax - total.net * Fraction(total.percent) / 100) <= Fraction(1, 2)


@settings(deadline=None)
@given(month=months())
def test_all_rounded_time_of_an_entry_is_charged_by_its_rule_and_none_twice(month: Month) -> None:
    charged: Counter[tuple[int, int]] = Counter()
    for invoice in month.charges().invoices:
        for line in invoice.lines:
            assert len(set(line.entry_ids)) == len(line.entry_ids)
            for share in line.shares:
                charged[share.entry_id, line.rule_id] += share.seconds

    rules = {entry.id: month.rule_of(entry) for entry in month.entries}
    assert dict(charged) == {
        (entry.id, rules[entry.id].id): rules[entry.id].rounding.seconds(entry.length)
        for entry in month.entries
    }


@given(month=months(), data=st.data())
def test_the_order_of_entries_and_rules_does_not_matter(month: Month, data: st.DataObject) -> None:
    shuffled = Month(
        month.period,
        month.zone,
        data.draw(st.permutations(month.entries)),
        data.draw(st.permutations(month.rules)),
    )

    assert shuffled.charges() == month.charges()


@settings(deadline=None)
@given(month=months())
def test_each_line_is_its_time_at_its_rate_to_the_nearest_minor_unit(month: Month) -> None:
    fees: Counter[int] = Counter()
    for invoice in month.charges().invoices:
        for line in invoice.lines:
            if line.rate is None:
                fees[line.rule_id] += 1
            else:
                exact = Fraction(line.rate) * line.seconds / 3600
                assert -Fraction(1, 2) < line.net - exact <= Fraction(1, 2) or line.net == exact
            assert (line.net == 0) or line.kind is not Kind.CAPPED

    assert fees == {rule.id: 1 for rule in month.rules if type(rule) is not Hourly}


@settings(deadline=None)
@given(month=months())
def test_caps_and_included_hours_are_kept(month: Month) -> None:
    for invoice in month.charges().invoices:
        for rule_id in {line.rule_id for line in invoice.lines}:
            rule = month.by_id[rule_id]
            time = {line.kind: line.seconds for line in invoice.lines if line.rule_id == rule_id}
            if isinstance(rule, Hourly) and rule.cap_hours is not None:
                charged = sum(time.values()) - time.get(Kind.CAPPED, 0)
                assert charged == min(sum(time.values()), rule.cap_hours * 3600)
            if isinstance(rule, Retainer):
                assert time[Kind.FEE] <= rule.included_hours * 3600


@settings(deadline=None)
@given(
    period=PERIODS,
    zone=ZONES,
    spans=st.lists(st.tuples(st.integers(0, 27 * 1440), st.integers(0, 26 * 60)), min_size=1, max_size=3),
    threshold=st.integers(0, 24),
)
def test_overtime_is_what_counting_each_minute_by_the_clock_on_the_wall_comes_to(
    period: Period, zone: str, spans: list[tuple[int, int]], threshold: int
) -> None:
    begins, _ = period.instants(ZoneInfo(zone))
    starts = [(begins + timedelta(minutes=start), length) for start, length in spans]
    rule = hourly(overtime=overtime(str(threshold), "2"))
    worked = [
        Entry(
            id=number,
            project_id=1,
            worker_id=1,
            timezone=zone,
            start=start,
            end=start + timedelta(minutes=length),
        )
        for number, (start, length) in enumerate(starts, 1)
    ]
    charges = calculate(period=period, timezone=zone, rules=[rule], entries=worked)
    lines = {line.kind: line.seconds for invoice in charges.invoices for line in invoice.lines}

    by_day = Counter(
        (start + timedelta(minutes=minute)).astimezone(ZoneInfo(zone)).date()
        for start, length in starts
        for minute in range(length)
    )
    above = sum(max(minutes - threshold * 60, 0) for minutes in by_day.values())
    assert lines.get(Kind.OVERTIME, 0) == above * 60
    assert lines.get(Kind.TIME, 0) == (by_day.total() - above) * 60


@settings(deadline=None)
@given(month=months())
def test_a_snapshot_is_the_rule_as_json_takes_it(month: Month) -> None:
    for invoice in month.charges().invoices:
        for line in invoice.lines:
            snapshot = json.loads(json.dumps(dict(line.snapshot)))
            assert snapshot == snapshot_of(month.by_id[line.rule_id])
            assert snapshot["id"] == line.rule_id


@settings(deadline=None)
@given(
    worked=st.lists(st.integers(0, 12 * 3600), min_size=1, max_size=12),
    included=st.decimals(0, 10, places=2),
    carry=st.integers(0, 4),
)
def test_over_many_periods_no_included_hour_is_used_twice_and_none_lost_before_it_expires(
    worked: list[int], included: Decimal, carry: int
) -> None:
    """Compared with a plain list of hours by the periods that they come from, taken from its front."""
    rule = Retainer(
        id=1,
        currency="EUR",
        tax=VAT,
        effective_from=date(2026, 1, 1),
        rate=1,
        fee=1,
        included_hours=included,
        carry_periods=carry,
    )
    carried: tuple[Unused, ...] = ()
    bank: dict[int, int] = {}
    for number, spent in enumerate(worked):
        period = Period(year=2026, month=number + 1)
        start = datetime(2026, number + 1, 10, 6, tzinfo=UTC)
        entry = Entry(
            id=1, project_id=1, worker_id=1, timezone="UTC", start=start, end=start + timedelta(seconds=spent)
        )
        charges = calculate(
            period=period, timezone="UTC", rules=[rule], entries=[entry], carried={1: carried}
        )
        carried = charges.unused.get(1, ())

        bank[number] = int(included * 3600)
        left = spent
        for origin in sorted(bank):
            taken = min(bank[origin], left)
            bank[origin] -= taken
            left -= taken
        bank = {origin: some for origin, some in bank.items() if some and number + 1 - origin <= carry}
        above = sum(
            line.seconds for invoice in charges.invoices for line in invoice.lines if line.kind is Kind.TIME
        )
        assert above == left
        assert {unused.period.month - 1: unused.seconds for unused in carried} == bank

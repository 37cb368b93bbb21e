"""Months of clients with any entries and rules, for hypothesis."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from app.domains.billing.charging.calculation import calculate
from app.domains.billing.charging.entries import Entry
from app.domains.billing.charging.periods import Period
from app.domains.billing.charging.rounding import INCREMENTS, Direction, Rounding
from app.domains.billing.charging.rules import Fixed, Hourly, Overtime, Retainer
from tests.domains.billing.charging.work import BERLIN, EXEMPT, NEW_YORK, REDUCED, VAT, ZERO

if TYPE_CHECKING:
    from app.domains.billing.charging.invoices import Charges
    from app.domains.billing.charging.rules import Rule

PROJECTS = (1, 2, 3)
#: March, October and November have changes of clocks in some of the zones, February has none.
PERIODS = st.sampled_from(["2026-02", "2026-03", "2026-10", "2026-11", "2028-02"]).map(Period.parse)
ZONES = st.sampled_from(
    [BERLIN, NEW_YORK, "UTC", "Pacific/Apia", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Havana"]
)
AMOUNTS = st.integers(0, 10**7)
HOURS = st.decimals(0, 40, places=2)
ROUNDINGS = st.builds(
    Rounding, minutes=st.sampled_from(INCREMENTS), direction=st.sampled_from(list(Direction))
)
OVERTIMES = st.none() | st.builds(
    Overtime, threshold_hours=st.decimals(0, 24, places=2), multiplier=st.decimals(1, 10, places=4)
)


@st.composite
def entries(draw: st.DrawFn, *, period: Period, zone: str) -> list[Entry]:
    """Entries that start in the period, some of them at once, some across days."""
    begins, over = period.instants(ZoneInfo(zone))
    last = (over - begins) // timedelta(microseconds=1) - 1
    lengths = st.just(0) | st.integers(0, 86_400 * 1_000_000) | st.integers(0, 4 * 96).map(_quarters)
    drawn = draw(st.lists(st.tuples(st.integers(0, last), lengths), max_size=12))
    return [
        Entry(
            id=number,
            project_id=draw(st.sampled_from(PROJECTS)),
            worker_id=draw(st.integers(1, 2)),
            timezone=draw(ZONES),
            start=begins + timedelta(microseconds=start),
            end=begins + timedelta(microseconds=start + length),
        )
        for number, (start, length) in enumerate(drawn, 1)
    ]


def _quarters(number: int) -> int:
    return number * 15 * 60 * 1_000_000


@st.composite
def rules_of(draw: st.DrawFn, *, period: Period, project: int, first_id: int) -> list[Rule]:
    """Up to three rules after each other, of any kinds; the last one for good."""
    days = draw(st.sets(st.integers(2, period.days), max_size=2))
    starts = [date(2020, 1, 1), *(period.first.replace(day=day) for day in sorted(days))]
    ends = [*(start - timedelta(days=1) for start in starts[1:]), None]
    return [
        replace(draw(_rules), id=first_id + n, project_id=project, effective_from=start, effective_to=end)
        for n, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]


_COMMON = {
    "id": st.just(1),
    "currency": st.sampled_from(["EUR", "JPY", "KWD"]),
    "tax": st.sampled_from([VAT, REDUCED, ZERO, EXEMPT]),
    "rounding": ROUNDINGS,
    "effective_from": st.just(date(2020, 1, 1)),
}
_HOURLY = {**_COMMON, "rate": AMOUNTS, "overtime": OVERTIMES, "cap_hours": st.none() | HOURS}
_RETAINED = {"fee": AMOUNTS, "included_hours": HOURS, "carry_periods": st.integers(0, 3)}
_rules: st.SearchStrategy[Rule] = st.one_of(
    st.builds(Hourly, **_HOURLY),
    st.builds(Fixed, **_COMMON, fee=AMOUNTS),
    st.builds(Retainer, **_HOURLY, **_RETAINED),
)


class Month:
    """A client's month: what is charged, and by what."""

    def __init__(self, period: Period, zone: str, entries: list[Entry], rules: list[Rule]) -> None:
        self.period, self.zone, self.entries, self.rules = period, zone, entries, rules
        self.by_id = {rule.id: rule for rule in rules}

    def __repr__(self) -> str:
        return f"{self.period} {self.zone} {self.entries} {self.rules}"

    def charges(self, entries: list[Entry] | None = None) -> Charges:
        entries = self.entries if entries is None else entries
        return calculate(period=self.period, timezone=self.zone, rules=self.rules, entries=entries)

    def rule_of(self, entry: Entry) -> Rule:
        """The rule by the definition: the one of the project on the client's day."""
        day = entry.start.astimezone(ZoneInfo(self.zone)).date()
        (found,) = [
            rule for rule in self.rules if rule.project_id == entry.project_id and rule.is_in_force(day)
        ]
        return found


@st.composite
def months(draw: st.DrawFn) -> Month:
    period, zone = draw(PERIODS), draw(ZONES)
    rules = [
        rule
        for project in PROJECTS
        for rule in draw(rules_of(period=period, project=project, first_id=10 * project))
    ]
    return Month(period, zone, draw(entries(period=period, zone=zone)), rules)

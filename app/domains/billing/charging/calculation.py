"""From approved time, rules and taxes to invoices: the one function that the rest of billing calls."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from app.domains.billing.charging.carrying import CarriedWithoutRetainer
from app.domains.billing.charging.charges import charge
from app.domains.billing.charging.errors import (
    DuplicateEntry,
    EntryOfAnotherPeriod,
)
from app.domains.billing.charging.in_force import RulesInForce
from app.domains.billing.charging.invoices import Charges
from app.domains.billing.charging.periods import Period
from app.domains.billing.charging.rules import Retainer
from app.domains.billing.charging.totals import invoice_of
from app.values.timezones import check_timezone

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from app.domains.billing.charging.carrying import Unused
    from app.domains.billing.charging.entries import Entry
    from app.domains.billing.charging.invoices import Line
    from app.domains.billing.charging.rules import Rule


def calculate(
    *,
    period: Period,
    timezone: str,
    rules: Iterable[Rule],
    entries: Iterable[Entry],
    earlier: Iterable[Entry] = (),
    carried: Mapping[int, Iterable[Unused]] | None = None,
) -> Charges:
    """What a client whose time zone is `timezone` owes for `period`.

    `entries` are the approved ones that start in the period; `earlier` ones were billed before, and are
    given because workers did them on days of the period, too. `carried` are unused hours by retainer.
    """
    check_timezone(timezone)
    client = _Client(period=period, zone=ZoneInfo(timezone), rules=RulesInForce(rules))
    worked, before = client.sort(entries=entries, earlier=earlier)
    unused = {rule_id: tuple(some) for rule_id, some in (carried or {}).items()}
    _check_carried(unused, rules=client.rules)
    lines: dict[str, list[Line]] = {}
    left = {}
    for rule in client.charged():
        charges = charge(
            rule,
            period=period,
            entries=worked[rule.id],
            earlier=before[rule.id],
            carried=unused.get(rule.id, ()),
        )
        if charges.lines:
            lines.setdefault(rule.currency, []).extend(charges.lines)
        if charges.unused:
            left[rule.id] = charges.unused
    return Charges(
        invoices=tuple(invoice_of(lines[currency], currency=currency) for currency in sorted(lines)),
        unused=left,
    )


@dataclass(frozen=True, kw_only=True)
class _Client:
    """A client's rules in a period of its time zone."""

    period: Period
    zone: ZoneInfo
    rules: RulesInForce

    def charged(self) -> list[Rule]:
        """The rules of the period, by their first days."""
        return [rule for rule in self.rules.by_id.values() if rule.part_of(self.period)]

    def sort(
        self, *, entries: Iterable[Entry], earlier: Iterable[Entry]
    ) -> tuple[defaultdict[int, list[Entry]], defaultdict[int, list[Entry]]]:
        """Both by their rules. An earlier entry without one shares no day with any that is charged."""
        seen: set[int] = set()
        worked: defaultdict[int, list[Entry]] = defaultdict(list)
        before: defaultdict[int, list[Entry]] = defaultdict(list)
        for entry in entries:
            day = self._day_of(_once(entry, seen=seen))
            if Period.of(day) != self.period:
                raise EntryOfAnotherPeriod(entry_id=entry.id, day=day, wanted=f"in {self.period}")
            worked[self.rules.of(entry, day=day).id].append(entry)
        for entry in earlier:
            day = self._day_of(_once(entry, seen=seen))
            if day >= self.period.first:
                raise EntryOfAnotherPeriod(entry_id=entry.id, day=day, wanted=f"before {self.period}")
            rule = self.rules.find(project_id=entry.project_id, day=day)
            if rule is not None:
                before[rule.id].append(entry)
        return worked, before

    def _day_of(self, entry: Entry) -> date:
        return entry.day_in(self.zone)


def _once(entry: Entry, *, seen: set[int]) -> Entry:
    """`entry`, whose id is `seen` from now on. Raises `DuplicateEntry`."""
    if entry.id in seen:
        raise DuplicateEntry(entry_id=entry.id)
    seen.add(entry.id)
    return entry


def _check_carried(carried: Mapping[int, tuple[Unused, ...]], *, rules: RulesInForce) -> None:
    for rule_id in carried:
        if not isinstance(rules.by_id.get(rule_id), Retainer):
            raise CarriedWithoutRetainer(rule_id=rule_id)

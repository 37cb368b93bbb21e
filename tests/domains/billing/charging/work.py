"""Rules, entries and what they come to, written as briefly as a table wants them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from app.domains.billing.charging.calculation import calculate
from app.domains.billing.charging.carrying import Unused
from app.domains.billing.charging.entries import Entry
from app.domains.billing.charging.periods import Period
from app.domains.billing.charging.rounding import Direction, Rounding
from app.domains.billing.charging.rules import Fixed, Hourly, Overtime, Retainer
from app.domains.billing.charging.taxes import Tax, TaxCategory

if TYPE_CHECKING:
    from app.domains.billing.charging.invoices import Charges, Line
    from app.domains.billing.charging.rules import Rule

BERLIN = "Europe/Berlin"
NEW_YORK = "America/New_York"
VAT = Tax(percent=Decimal(19))
REDUCED = Tax(percent=Decimal(7))
ZERO = Tax(category=TaxCategory.ZERO, percent=Decimal(0))
EXEMPT = Tax(category=TaxCategory.EXEMPT, percent=Decimal(0), reason="Small business")
HALF_AS_MUCH_AGAIN = Overtime(threshold_hours=Decimal(8), multiplier=Decimal("1.5"))


def rounded(minutes: int, direction: Direction = Direction.UP) -> Rounding:
    return Rounding(minutes=minutes, direction=direction)


def overtime(threshold: str, multiplier: str) -> Overtime:
    return Overtime(threshold_hours=Decimal(threshold), multiplier=Decimal(multiplier))


def _hours(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def hourly(
    rate: int = 90_00,
    *,
    number: int = 1,
    project: int | None = None,
    cap: str | None = None,
    since: str = "2020-01-01",
    until: str | None = None,
    currency: str = "EUR",
    tax: Tax = VAT,
    rounding: Rounding | None = None,
    overtime: Overtime | None = None,
) -> Hourly:
    return Hourly(
        id=number,
        project_id=project,
        currency=currency,
        tax=tax,
        rounding=rounding or Rounding(),
        effective_from=date.fromisoformat(since),
        effective_to=date.fromisoformat(until) if until else None,
        rate=rate,
        overtime=overtime,
        cap_hours=_hours(cap),
    )


def fixed(
    fee: int,
    *,
    number: int = 1,
    project: int | None = None,
    since: str = "2020-01-01",
    until: str | None = None,
    currency: str = "EUR",
    tax: Tax = VAT,
) -> Fixed:
    return Fixed(
        id=number,
        project_id=project,
        currency=currency,
        tax=tax,
        effective_from=date.fromisoformat(since),
        effective_to=date.fromisoformat(until) if until else None,
        fee=fee,
    )


def retainer(
    fee: int,
    included: str,
    *,
    rate: int = 90_00,
    carry: int = 0,
    number: int = 1,
    project: int | None = None,
    cap: str | None = None,
    since: str = "2020-01-01",
    until: str | None = None,
    overtime: Overtime | None = None,
) -> Retainer:
    return Retainer(
        id=number,
        project_id=project,
        currency="EUR",
        tax=VAT,
        effective_from=date.fromisoformat(since),
        effective_to=date.fromisoformat(until) if until else None,
        fee=fee,
        included_hours=Decimal(included),
        carry_periods=carry,
        rate=rate,
        overtime=overtime,
        cap_hours=_hours(cap),
    )


def worked(
    start: str, end: str, *, number: int = 1, zone: str = BERLIN, project: int = 1, worker: int = 1
) -> Entry:
    """An entry by the clock on the worker's wall; an offset in the text tells two equal times apart."""
    return Entry(
        id=number,
        project_id=project,
        worker_id=worker,
        timezone=zone,
        start=_moment(start, zone),
        end=_moment(end, zone),
    )


def _moment(text: str, zone: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


def unused(period: str, hours: str) -> Unused:
    return Unused(period=Period.parse(period), seconds=int(Decimal(hours) * 3600))


@dataclass(frozen=True, kw_only=True)
class Case:
    """Lines of a period as (kind, time, net), worked out by hand; the time is h:mm, or h:mm:ss."""

    period: str = "2026-03"
    zone: str = BERLIN
    rules: tuple[Rule, ...]
    entries: tuple[Entry, ...] = ()
    earlier: tuple[Entry, ...] = ()
    carried: tuple[Unused, ...] = ()
    lines: tuple[tuple[str, str, int], ...]
    #: What is good in later periods of the first rule.
    unused: tuple[Unused, ...] = field(default=())

    def charges(self) -> Charges:
        return calculate(
            period=Period.parse(self.period),
            timezone=self.zone,
            rules=self.rules,
            entries=self.entries,
            earlier=self.earlier,
            carried={self.rules[0].id: self.carried} if self.carried else {},
        )

    def check(self) -> None:
        charges = self.charges()
        found = [shown(line) for invoice in charges.invoices for line in invoice.lines]
        assert found == list(self.lines)
        assert charges.unused.get(self.rules[0].id, ()) == self.unused


def shown(line: Line) -> tuple[str, str, int]:
    minutes, seconds = divmod(line.seconds, 60)
    clock = f"{minutes // 60}:{minutes % 60:02}" + (f":{seconds:02}" if seconds else "")
    return str(line.kind), clock, line.net

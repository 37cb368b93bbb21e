"""What a period costs by one rule."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from app.domains.billing.charging.bounds import SECONDS_PER_HOUR, seconds
from app.domains.billing.charging.carrying import Unused, left_over, usable
from app.domains.billing.charging.hours import Kind, pieces_of, with_cap, with_included, with_overtime
from app.domains.billing.charging.invoices import Line, Share
from app.domains.billing.charging.rounding import half_up, storable
from app.domains.billing.charging.rules import Fixed, Retainer
from app.domains.billing.charging.snapshots import snapshot_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from app.domains.billing.charging.entries import Entry
    from app.domains.billing.charging.hours import Piece
    from app.domains.billing.charging.periods import Period
    from app.domains.billing.charging.rules import Hourly, Rule


class RuleCharges(NamedTuple):
    """The lines of a rule, in the order of `Kind`, and what of a retainer's hours is good later."""

    lines: tuple[Line, ...]
    unused: tuple[Unused, ...] = ()


def charge(
    rule: Rule,
    *,
    period: Period,
    entries: Sequence[Entry],
    earlier: Sequence[Entry] = (),
    carried: Sequence[Unused] = (),
) -> RuleCharges:
    """The entries of a period by their rule; `earlier` ones use up thresholds of days, and cost nothing."""
    match rule:
        case Fixed():
            pieces = [piece._replace(kind=Kind.FEE) for piece in pieces_of(entries, rounding=rule.rounding)]
            return RuleCharges(tuple(_lines(rule, pieces, fee=_fee(rule, period))))
        case Retainer():
            return _retained(rule, _worked(rule, entries, earlier), period=period, carried=carried)
        case _:
            return RuleCharges(tuple(_lines(rule, _worked(rule, entries, earlier))))


def _worked(rule: Hourly, entries: Sequence[Entry], earlier: Sequence[Entry]) -> Iterable[Piece]:
    """The entries in pieces: overtime first, because it counts by days, and then the cap, which ends all."""
    pieces: Iterable[Piece] = pieces_of([*earlier, *entries], rounding=rule.rounding)
    if rule.overtime is not None:
        pieces = with_overtime(pieces, threshold=seconds(rule.overtime.threshold_hours))
    billed = {entry.id for entry in earlier}
    pieces = (piece for piece in pieces if piece.entry_id not in billed)
    return pieces if rule.cap_hours is None else with_cap(pieces, cap=seconds(rule.cap_hours))


def _retained(
    rule: Retainer, pieces: Iterable[Piece], *, period: Period, carried: Sequence[Unused]
) -> RuleCharges:
    own = half_up(seconds(rule.included_hours) * rule.part_of(period))
    available = [
        *usable(carried, period=period, carry_periods=rule.carry_periods),
        Unused(period=period, seconds=own),
    ]
    cut = list(with_included(pieces, included=sum(unused.seconds for unused in available)))
    used = sum(piece.seconds for piece in cut if piece.kind is Kind.FEE)
    unused = left_over(available, used=used, period=period, carry_periods=rule.carry_periods)
    return RuleCharges(tuple(_lines(rule, cut, fee=_fee(rule, period))), unused)


def _fee(rule: Fixed | Retainer, period: Period) -> int:
    """The fee for the days on which the rule is in force: two rules of one month do not both cost a month."""
    return half_up(rule.fee * rule.part_of(period))


def _lines(rule: Rule, pieces: Iterable[Piece], *, fee: int | None = None) -> Iterator[Line]:
    """A line for each kind of time; that of a fee is there without any time."""
    shares = _shares(pieces)
    snapshot = snapshot_of(rule)
    for kind in Kind:
        if kind not in shares and (kind is not Kind.FEE or fee is None):
            continue
        in_line = tuple(Share(entry_id, spent) for entry_id, spent in shares[kind].items())
        rate = None if kind is Kind.FEE else _rate(rule, kind)
        net = (fee or 0) if rate is None else _cost(rate, sum(share.seconds for share in in_line))
        yield Line(
            kind=kind,
            rule_id=rule.id,
            snapshot=snapshot,
            currency=rule.currency,
            shares=in_line,
            rate=rate,
            net=storable(net, rule.currency),
            tax=rule.tax,
        )


def _shares(pieces: Iterable[Piece]) -> defaultdict[Kind, dict[int, int]]:
    """Seconds by kind and entry: an entry is in a line once, however many days it is cut into."""
    shares: defaultdict[Kind, dict[int, int]] = defaultdict(dict)
    for piece in pieces:
        entries = shares[piece.kind]
        entries[piece.entry_id] = entries.get(piece.entry_id, 0) + piece.seconds
    return shares


def _rate(rule: Rule, kind: Kind) -> Decimal:
    """What an hour of this kind costs."""
    if isinstance(rule, Fixed) or kind is Kind.CAPPED:
        return Decimal(0)
    if kind is Kind.OVERTIME and rule.overtime is not None:
        return rule.rate * rule.overtime.multiplier
    return Decimal(rule.rate)


def _cost(rate: Decimal, spent: int) -> int:
    """The only rounding of a line: hours stay fractions until here."""
    return half_up(Fraction(rate) * spent / SECONDS_PER_HOUR)

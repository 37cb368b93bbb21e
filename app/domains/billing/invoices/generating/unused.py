"""Hours of retainers that nobody worked, from month to month."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select

from app.domains.billing.charging.carrying import Unused
from app.domains.billing.charging.periods import Period
from app.domains.billing.charging.rules import Retainer
from app.domains.billing.invoices.models import UnusedHours

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy.orm import Session

    from app.domains.billing.charging.rules import Rule
    from app.domains.billing.invoices.generating.months import Reckoned


def carried(session: Session, rules: Iterable[Rule], *, period: Period) -> dict[int, list[Unused]]:
    """What was left over of retainers when they were last charged before `period`."""
    retainers = [rule.id for rule in rules if _carries(rule)]
    if not retainers:
        return {}
    found: defaultdict[int, list[Unused]] = defaultdict(list)
    last = (
        select(UnusedHours.rule_id, func.max(UnusedHours.after).label("after"))
        .where(UnusedHours.rule_id.in_(retainers), UnusedHours.after < str(period))
        .group_by(UnusedHours.rule_id)
        .subquery()
    )
    rows = select(UnusedHours.rule_id, UnusedHours.period, UnusedHours.seconds).join(
        last, (last.c.rule_id == UnusedHours.rule_id) & (last.c.after == UnusedHours.after)
    )
    for rule_id, of, seconds in session.execute(rows):
        found[rule_id].append(Unused(period=Period.parse(of), seconds=seconds))
    return found


def keep(session: Session, rule_ids: Collection[int], *, reckoned: Reckoned, period: Period) -> None:
    """Keep what is good after `period` of the retainers that were charged.

    That nothing is left is kept, too: else what was left over a month earlier would be good once more.
    """
    retainers = [rule_id for rule_id in sorted(rule_ids) if _carries(reckoned.rules[rule_id])]
    forget(session, retainers, period=period)
    for rule_id in retainers:
        left = {str(period): 0}
        left |= {str(one.period): one.seconds for one in reckoned.charges.unused.get(rule_id, ())}
        common = {"rule_id": rule_id, "after": str(period)}
        session.execute(
            insert(UnusedHours), [common | {"period": of, "seconds": spare} for of, spare in left.items()]
        )


def forget(session: Session, rule_ids: Collection[int], *, period: Period) -> None:
    """Forget what was left over after `period`, which is charged anew or not at all."""
    if rule_ids:
        after = UnusedHours.rule_id.in_(rule_ids) & (UnusedHours.after == str(period))
        session.execute(delete(UnusedHours).where(after).execution_options(synchronize_session=False))


def _carries(rule: Rule) -> bool:
    return isinstance(rule, Retainer) and rule.carry_periods > 0

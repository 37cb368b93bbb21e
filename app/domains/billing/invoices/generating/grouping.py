"""What a client owes, by invoice: each has one project and one currency."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from app.domains.billing.charging.totals import invoice_of

if TYPE_CHECKING:
    from app.domains.billing.charging.invoices import Invoice as Charged
    from app.domains.billing.charging.invoices import Line
    from app.domains.billing.invoices.generating.months import Reckoned


class Key(NamedTuple):
    """What tells a client's invoices of a month apart."""

    project_id: int | None
    currency: str

    @property
    def order(self) -> tuple[int, str]:
        """What they are numbered by: what is charged for the whole client comes first."""
        return self.project_id or 0, self.currency


@dataclass(frozen=True, kw_only=True)
class Group:
    """What is on one invoice."""

    key: Key
    charged: Charged

    @property
    def entry_ids(self) -> list[int]:
        """The time entries that are on it, each once."""
        return sorted({entry_id for line in self.charged.lines for entry_id in line.entry_ids})

    @property
    def rule_ids(self) -> set[int]:
        """The rules by which it charges."""
        return {line.rule_id for line in self.charged.lines}


def groups_of(reckoned: Reckoned) -> list[Group]:
    """An invoice for each project and currency, in the order of their numbers; none that says nothing."""
    lines: defaultdict[Key, list[Line]] = defaultdict(list)
    for charged in reckoned.charges.invoices:
        for line in charged.lines:
            lines[Key(reckoned.rules[line.rule_id].project_id, line.currency)].append(line)
    return [
        Group(key=key, charged=invoice_of(lines[key], currency=key.currency))
        for key in sorted(lines, key=lambda key: key.order)
        if any(line.net or line.shares for line in lines[key])
    ]

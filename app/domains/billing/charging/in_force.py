"""Which rule says what an entry costs."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from app.domains.billing.charging.errors import DuplicateRule, NoRule, OverlappingRules

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from app.domains.billing.charging.entries import Entry
    from app.domains.billing.charging.rules import Rule


class RulesInForce:
    """The rules of a client: those of its projects, and those of the whole client for projects without."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.by_id: dict[int, Rule] = {}
        self._by_project: dict[int | None, list[Rule]] = defaultdict(list)
        for rule in sorted(rules, key=lambda rule: (rule.effective_from, rule.id)):
            if rule.id in self.by_id:
                raise DuplicateRule(rule_id=rule.id)
            self.by_id[rule.id] = rule
            self._by_project[rule.project_id].append(rule)
        for project_id, successive in self._by_project.items():
            _check_overlap(successive, project_id=project_id)

    def find(self, *, project_id: int, day: date) -> Rule | None:
        """The project's rule on that day, else that of the whole client."""
        for scope in (project_id, None):
            for rule in self._by_project.get(scope, ()):
                if rule.is_in_force(day):
                    return rule
        return None

    def of(self, entry: Entry, *, day: date) -> Rule:
        """The rule for an entry that starts on `day`. Raises `NoRule`."""
        rule = self.find(project_id=entry.project_id, day=day)
        if rule is None:
            raise NoRule(entry_id=entry.id, project_id=entry.project_id, day=day)
        return rule


def _check_overlap(successive: list[Rule], *, project_id: int | None) -> None:
    """Rules by their first days do not overlap if none reaches into the next one."""
    for earlier, later in pairwise(successive):
        if earlier.is_in_force(later.effective_from):
            raise OverlappingRules(
                earlier_id=earlier.id, later_id=later.id, project_id=project_id, day=later.effective_from
            )

"""A line keeps the rule that it was charged by, in JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from app.domains.billing.charging.snapshots import snapshot_of
from tests.domains.billing.charging.work import (
    EXEMPT,
    Case,
    fixed,
    hourly,
    overtime,
    retainer,
    rounded,
    worked,
)

if TYPE_CHECKING:
    from app.domains.billing.charging.rules import Rule

COMMON = {
    "id": 1,
    "project_id": None,
    "currency": "EUR",
    "tax": {"category": "S", "percent": "19", "reason": None},
    "rounding": {"minutes": 0, "direction": "nearest"},
    "effective_from": "2020-01-01",
    "effective_to": None,
}


@pytest.mark.parametrize(
    ("rule", "snapshot"),
    [
        (
            hourly(
                project=2,
                until="2026-12-31",
                rounding=rounded(15),
                overtime=overtime("8", "1.25"),
                cap="1E+2",
            ),
            {
                **COMMON,
                "kind": "hourly",
                "project_id": 2,
                "effective_to": "2026-12-31",
                "rounding": {"minutes": 15, "direction": "up"},
                "rate": 9000,
                "overtime": {"threshold_hours": "8", "multiplier": "1.25"},
                "cap_hours": "100",
            },
        ),
        (
            fixed(500, tax=EXEMPT),
            {
                **COMMON,
                "kind": "fixed",
                "fee": 500,
                "tax": {"category": "E", "percent": "0", "reason": "Small business"},
            },
        ),
        (
            retainer(1000_00, "7.50", carry=2),
            {
                **COMMON,
                "kind": "retainer",
                "rate": 9000,
                "overtime": None,
                "cap_hours": None,
                "fee": 100000,
                "included_hours": "7.50",
                "carry_periods": 2,
            },
        ),
    ],
)
def test_a_snapshot_has_all_of_a_rule(rule: Rule, snapshot: dict[str, object]) -> None:
    assert json.loads(json.dumps(snapshot_of(rule))) == snapshot


def test_a_line_has_its_rule_and_its_entries() -> None:
    rule = hourly()
    entries = (
        worked("2026-03-02 09:00", "2026-03-02 10:00", number=8),
        worked("2026-03-02 09:00", "2026-03-02 09:00", number=9),
    )
    (invoice,) = Case(rules=(rule,), entries=entries, lines=()).charges().invoices
    (line,) = invoice.lines

    assert line.snapshot == snapshot_of(rule)
    assert line.rule_id == rule.id
    assert line.entry_ids == (9, 8)  # by their ends, as both start at once; that without any time, too

"""Alerts that fire and end within seconds, so that a rehearsal can wait for each of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
#: For how long an alert holds before it fires: a part of what is looked back, or it would be over by then.
_HOLDS, HOLDS_OF_TIMES = re.compile(r'(\bfor"?: "?)(\d+)([smhd])'), 5
#: How far back an expression looks.
_WINDOWS = re.compile(r"(\[|\boffset )(\d+)([smhd])")
#: What an age is compared with, in seconds; shares and counts are smaller, or "at least".
_AGES = re.compile(r"(> )(\d{2,})()(?:\.0)?(?![\d.])")


def hastened_alerts(rules: str, seconds: int) -> str:
    """The text of `rules` with no time in it longer than `seconds`; as it is with 0."""
    if not seconds:
        return rules
    rules = _HOLDS.sub(_at_most(max(seconds // HOLDS_OF_TIMES, 1)), rules)
    rules = _WINDOWS.sub(_at_most(seconds), rules)
    return _AGES.sub(_at_most(seconds), rules)


def _at_most(seconds: int) -> Callable[[re.Match[str]], str]:
    def shorter(found: re.Match[str]) -> str:
        before, count, unit = found.groups()
        is_longer = int(count) * UNITS.get(unit, 1) > seconds
        return f"{before}{seconds}{unit and 's'}" if is_longer else found[0]

    return shorter


class FilterModule:
    """What Ansible asks for the filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by their names."""
        return {"hastened_alerts": hastened_alerts}

"""Which time the timeline shows: so long until then."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from app.console.places import TIMELINE
from app.console.timeline.charts import Axis
from app.jobs.statistics.adding import MINUTES_KEPT, floor
from app.jobs.statistics.figures import Step
from app.jobs.statistics.models import StatMinute
from app.values.field_errors import FieldError, InvalidFields

if TYPE_CHECKING:
    from collections.abc import Mapping

#: How long it may be, and how long a step of it is.
SPANS = {
    "1h": (timedelta(hours=1), Step.MINUTE),
    "6h": (timedelta(hours=6), Step.FIVE_MINUTES),
    "1d": (timedelta(days=1), Step.QUARTER),
    "7d": (timedelta(days=7), Step.HOUR),
    "30d": (timedelta(days=30), Step.DAY),
}
USUAL = "1d"
#: As browsers send a time that was chosen, in UTC.
_CHOSEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d", re.ASCII)
#: No further back, so that a span begins after all time does.
FIRST = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A stretch of time that ends at `until`; without one, now."""

    name: str
    until: datetime | None
    now: datetime

    @property
    def axis(self) -> Axis:
        """It, in whole steps."""
        end = self.until or self.now
        step = self.step.length
        end = floor(end, step) + (step if floor(end, step) < end else timedelta(0))
        return Axis(begin=end - SPANS[self.name][0], end=end)

    @property
    def step(self) -> Step:
        """Minutes are kept for a while only."""
        length, step = SPANS[self.name]
        is_kept = (self.until or self.now) - length >= self.now - MINUTES_KEPT + timedelta(hours=1)
        return step if is_kept or step.table is not StatMinute else Step.HOUR

    @property
    def file(self) -> str:
        """The same as a file to hand on."""
        when = {"until": f"{self.until:%Y-%m-%dT%H:%M}"} if self.until else {}
        return f"{TIMELINE}/evidence.json?{urlencode({'span': self.name, **when})}"

    def place(self, *, steps: int) -> str:
        """The page of the same length so many lengths later; the last one is always now."""
        until = self.axis.end + steps * SPANS[self.name][0]
        when = {} if until >= self.now else {"until": f"{until:%Y-%m-%dT%H:%M}"}
        return f"{TIMELINE}?{urlencode({'span': self.name, **when})}"


def asked(parameters: Mapping[str, str], *, now: datetime) -> Asked:
    """What the query of a page asks for. Raises `InvalidFields`."""
    wanted = {name: value for name, value in parameters.items() if value}
    name, until = wanted.pop("span", USUAL), wanted.pop("until", None)
    if wanted:
        raise _refusal(next(iter(wanted)), "the timeline has no such filter; it has span and until")
    if name not in SPANS:
        raise _refusal("span", f"give one of {', '.join(SPANS)}")
    return Asked(name=name, until=None if until is None else _moment(until, now=now), now=now)


def _moment(text: str, *, now: datetime) -> datetime:
    try:
        found = datetime.fromisoformat(f"{text}:00Z") if _CHOSEN.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or not FIRST <= found <= now + timedelta(days=1):
        raise _refusal("until", "give a time of UTC that has passed, such as 2026-01-31T08:00")
    return found


def _refusal(name: str, detail: str) -> InvalidFields:
    return InvalidFields([FieldError(detail=detail, parameter=name[:100])])

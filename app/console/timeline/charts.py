"""Draws lanes over one axis of time as paths of an SVG. No words are in there: it is stretched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

#: The units of a lane; it is stretched to whatever room there is.
WIDTH, HEIGHT = 1_000, 60
#: What happens in a moment is so wide, and not lost in the width of a pixel.
MARK = 4.0
TICKS = 6


@dataclass(frozen=True, kw_only=True)
class Axis:
    """From when until when."""

    begin: datetime
    end: datetime

    def x(self, moment: datetime) -> float:
        """Where a moment is; one outside stands at the edge."""
        share = (moment - self.begin) / (self.end - self.begin)
        return round(min(max(share, 0.0), 1.0) * WIDTH, 1)

    def ticks(self) -> list[datetime]:
        """Moments that are named below, evenly from the beginning to the end."""
        return [self.begin + (self.end - self.begin) * place / (TICKS - 1) for place in range(TICKS)]


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A stretch of time, and how much there was in it."""

    at: datetime
    lasts: timedelta
    value: float


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What happened, or lasted from then on."""

    at: datetime
    until: datetime
    text: str


def bars(axis: Axis, of: Sequence[Bar], *, most: float) -> str:
    """The path of bars, the highest of which is as high as the lane if it has `most`."""
    parts = []
    for bar in of:
        if bar.value <= 0 or most <= 0:
            continue
        left, right = axis.x(bar.at), axis.x(bar.at + bar.lasts)
        # Of what there was at all, something is seen.
        top = round(HEIGHT - max(min(bar.value / most, 1.0) * HEIGHT, 1.5), 1)
        parts.append(f"M{left:g} {HEIGHT}V{top:g}H{max(right - 0.5, left + 1):g}V{HEIGHT}z")
    return "".join(parts)


def rectangles(axis: Axis, marks: Iterable[Mark]) -> list[tuple[float, float, str]]:
    """Where each mark begins, how wide it is, and what it says."""
    found = []
    for mark in marks:
        left = min(axis.x(mark.at), WIDTH - MARK)
        found.append((left, round(max(axis.x(mark.until) - left, MARK), 1), mark.text))
    return found

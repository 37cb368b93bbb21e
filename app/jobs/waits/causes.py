"""The causes for which jobs wait, and how they are told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What is told of, in words and figures alike.
Figure = int | float | str | datetime
#: Jobs are counted so far, and then said to be more.
MAX_COUNTED = 10_000


class Cause(StrEnum):
    """Why a job waits."""

    DUE_LATER = "due_later"
    RETRIES_LATER = "retries_later"
    AFTER_OTHERS = "after_others"  # a link of a chain, or replaced by a canvas
    BECOMING_READY = "becoming_ready"
    EXPIRED = "expired"
    UNKNOWN_TASK = "unknown_task"
    UNKNOWN_QUEUE = "unknown_queue"
    PAUSED = "paused"
    CONCURRENCY = "concurrency"
    RATE = "rate"
    PARTITION = "partition"
    BEING_ADMITTED = "being_admitted"
    BROKER_AWAY = "broker_away"
    QUEUE_FULL = "queue_full"
    BEING_PUBLISHED = "being_published"
    MESSAGE_LOST = "message_lost"
    NO_WORKER = "no_worker"
    BEHIND_OTHERS = "behind_others"
    ALL_BUSY = "all_busy"
    NEXT = "next"
    WORKER_LOST = "worker_lost"
    BEAT_AWAY = "beat_away"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Why a job waits; `figures` are those of the sentence."""

    cause: Cause
    sentence: str
    figures: Mapping[str, Figure]


def wait(cause: Cause, sentence: str, **figures: Figure | None) -> Wait:
    """What is said; a figure that is not known is left out."""
    known = {name: figure for name, figure in figures.items() if figure is not None}
    return Wait(cause=cause, sentence=sentence, figures=known)


def moment(at: datetime) -> str:
    """A moment in UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def span(seconds: float) -> str:
    """About how long, in the unit that fits."""
    for length, unit in ((172_800, 86_400), (7_200, 3_600), (120, 60)):
        if seconds >= length:
            return f"{seconds / unit:.0f} {_NAMES[unit]}"
    return f"{max(seconds, 0):.0f} s"


_NAMES = {86_400: "days", 3_600: "hours", 60: "min"}


def number(count: int) -> str:
    """So many; what is not counted further is said to be more."""
    return f"{count:,}" if count <= MAX_COUNTED else f"more than {MAX_COUNTED:,}"


def others(count: int) -> str:
    """So many others at most, and their verb."""
    if count > MAX_COUNTED:
        return f"{number(count)} others are"
    return "up to 1 other is" if count == 1 else f"up to {count:,} others are"

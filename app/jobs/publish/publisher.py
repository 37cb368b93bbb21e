"""Sends ready jobs to the broker: quickly, with a bounded wait, never needed for safety.

What cannot be sent now (the broker is away, or the queue is full) is marked unpublished in the ledger, and
beat sends it later.
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from app.jobs.broker import current
from app.jobs.broker.current import broker
from app.jobs.broker.lists import list_of
from app.jobs.publish.message import encode_all
from app.jobs.publish.reachability import looking, publishing
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.jobs.publish.message import Dispatch

#: A full list is not looked at again for so long.
PAUSE_WHEN_FULL = timedelta(seconds=1)
#: No push is larger than this part of the room that was left, or of the limit where little is left. So many
#: others may push at the same moment without going far beyond the limit.
SHARE_OF_ROOM, SHARE_OF_LIMIT = 32, 200

#: The lists that were full when they were last heard of, and until when each is left alone.
_full: dict[str, float] = {}


def close() -> None:
    """Forget the broker and what was learnt about it."""
    current.close()
    _full.clear()
    publishing.reset()
    looking.reset()


def publish(jobs: Sequence[Dispatch], *, patient: bool = False) -> list[str]:
    """Send `jobs`; the answer holds the ids of those that were not sent, for want of room or of an answer.

    A `patient` caller (beat) tries even after a recent failure, and looks again at lists that were full.
    """
    if not (patient or publishing.is_open):
        return [job.id for job in jobs]
    if len(jobs) == 1 and not _full:
        return [] if _publish_alone(jobs[0]) else [jobs[0].id]
    lists = _by_list(jobs)
    now = time.monotonic()
    full = {name for name in lists if not patient and _full.get(name, 0) > now}
    loads = [_Load(name=name, jobs=held) for name, held in lists.items() if name not in full]
    try:
        _look([load for load in loads if load.needs_a_look])
        while going := [(load, portion) for load in loads if (portion := load.next_messages())]:
            _push(going)
    except broker().failures as error:
        publishing.failed(error, jobs=len(jobs))
    else:
        publishing.answered()
    unsent = [load.jobs[load.sent :] for load in loads] + [lists[name] for name in full]
    return [job.id for held in unsent for job in held]


def _publish_alone(job: Dispatch) -> bool:
    """Whether the one job was sent, with nothing around it that only many need."""
    name = list_of(queue=job.queue, priority=job.priority)
    [message] = encode_all([job])
    try:
        length = broker().push(name, message)
    except broker().failures as error:
        publishing.failed(error, jobs=1)
        return False
    publishing.answered()
    _note_length(name, length)
    return True


def _note_length(name: str, length: int) -> int:
    """How many more messages the list of that name may hold."""
    room = max(settings().queue_depth_limit - length, 0)
    if room:
        _full.pop(name, None)
    else:
        _full[name] = time.monotonic() + PAUSE_WHEN_FULL.total_seconds()
    return room


def _by_list(jobs: Sequence[Dispatch]) -> dict[str, list[Dispatch]]:
    lists: defaultdict[str, list[Dispatch]] = defaultdict(list)
    for (queue, priority), held in groupby(jobs, key=attrgetter("queue", "priority")):
        lists[list_of(queue=queue, priority=priority)] += held
    return lists


@dataclass(kw_only=True)
class _Load:
    """What is to go to one of the broker's lists, and how far it is."""

    name: str
    jobs: list[Dispatch]
    sent: int = 0
    #: How many more the list may hold, as far as is known.
    room: int | None = None

    def __post_init__(self) -> None:
        # Before anything is known of the room: encoding takes longer than others need to fill it.
        self._messages = list(encode_all(self.jobs))

    @property
    def needs_a_look(self) -> bool:
        """Whether it must look at the list first. A few need not: their own push tells its length."""
        return self.name in _full or len(self.jobs) > _min_portion()

    @property
    def portion(self) -> int:
        """How many messages may go at once."""
        left = len(self.jobs) - self.sent
        if self.room is None:
            return left
        return min(left, self.room, max(self.room // SHARE_OF_ROOM, _min_portion()))

    def next_messages(self) -> list[bytes]:
        return self._messages[self.sent : self.sent + self.portion]

    def note_length(self, length: int) -> None:
        self.room = _note_length(self.name, length)


def _min_portion() -> int:
    return max(settings().queue_depth_limit // SHARE_OF_LIMIT, 1)


def _look(loads: Sequence[_Load]) -> None:
    if not loads:
        return
    for load, length in zip(loads, broker().lengths([load.name for load in loads]), strict=True):
        load.note_length(length)


def _push(portions: Sequence[tuple[_Load, list[bytes]]]) -> None:
    answers = broker().push_many([(load.name, messages) for load, messages in portions])
    for (load, messages), length in zip(portions, answers, strict=True):
        if isinstance(length, int):
            load.sent += len(messages)
            load.note_length(length)
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    if refused:
        raise refused[0]

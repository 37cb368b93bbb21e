"""Writes down from time to time what the ledger holds, whole and exact, for whoever asks at once."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from app.db.sessions import reading, transaction
from app.jobs.statistics import samples
from app.jobs.statistics.waiting import ages
from app.jobs.transitions.balance import balance
from app.jobs.transitions.overdue import count_overdue
from app.jobs.transitions.recover import broker_lists

if TYPE_CHECKING:
    from app.jobs.transitions.balance import Balance

EVERY = timedelta(seconds=15)
#: While there is nothing to do.
EVERY_IDLE = timedelta(minutes=1)
#: Of a ledger in which millions wait, it is taken so seldom that this share of the time goes into it.
SHARE = 0.02
#: An older one tells nothing of now: nobody takes them.
LASTS = timedelta(minutes=2)


class Sampler:
    """When the next one is due."""

    def __init__(self) -> None:
        self._next = 0.0

    @property
    def is_due(self) -> bool:
        """Whether it is time for one."""
        return time.monotonic() >= self._next

    def take(self) -> None:
        """Take one, and say when the next is due."""
        began = time.monotonic()
        # Whatever comes of it: not with each tick.
        self._next = began + EVERY.total_seconds()
        found = take()
        took = time.monotonic() - began
        every = EVERY if found.open else EVERY_IDLE
        self._next = began + max(every.total_seconds(), took / SHARE)


def take() -> Balance:
    """Count everything now, and write it down."""
    with reading() as session:
        found = balance(session)
    # What is not there is neither old nor overdue, and the broker is not asked for it.
    lists = broker_lists() if found.queues else None
    with reading() as session:
        waits = ages(session).by_queue if found.queues else {}
        overdue = count_overdue(session, lists) if found.open else {}
    with transaction() as session:
        samples.write(
            session,
            taken_at=found.taken_at,
            states=found.states,
            queues=found.queues,
            ages=waits,
            overdue=overdue,
        )
    return found

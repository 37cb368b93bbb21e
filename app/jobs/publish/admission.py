"""Admits held jobs of limited tasks: as many go to the broker as their partitions' limits leave room for.

A job that is in the broker or runs takes a place of its partition, and so does one that has begun within the
rate's window, or a turn that was taken in it. They are counted in the ledger's rows, and their number grows
here alone, under a lock of the partition. So nobody has to look again when a job is claimed, no worker gets
one that it would have to give back, and the place of a worker that died is free when its lease has ended.
"""

from __future__ import annotations

import math
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from app.db import outages
from app.db.sessions import transaction
from app.jobs.declaration import registry
from app.jobs.declaration.partitions import limits_of
from app.jobs.errors import UnknownTask
from app.jobs.ledger import held, store, turns
from app.jobs.publish import publisher, sent
from app.jobs.publish.reachability import publishing

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from app.jobs.publish.message import Dispatch

log = structlog.get_logger(__name__)

#: So many partitions are looked at in one transaction.
BATCH = 200
#: A process looks so often whether there is room for more of a task of which it runs many; so does beat.
PAUSE = timedelta(seconds=0.1)

#: When this process last looked, by task.
_looked_at: dict[str, float] = {}


def admit_now(keys: Collection[str]) -> None:
    """Admit what there is room for, after a commit that beat's next tick would otherwise notice."""
    if not keys:
        return
    try:
        _admit(sorted(set(keys)), wait=True)
    except outages.ERRORS as error:
        # Whoever called has committed; nothing that is wrong here may look like a failure of that.
        log.warning("not_admitted", partitions=len(keys), error=str(error).strip())


def admit_after(job_id: str, *, task: str) -> None:
    """Fill the place that a job has left which was finished; at once where places are few."""
    limits = registry.limits_of(task)
    is_narrow = limits is not None and limits.concurrency is not None
    now = time.monotonic()
    if not is_narrow and _looked_at.get(task, -math.inf) > now - PAUSE.total_seconds():
        return
    _looked_at[task] = now
    try:
        _admit(held.keys_of(store.connection(), [job_id]), wait=is_narrow)
    except outages.ERRORS as error:
        log.warning("not_admitted", job_id=job_id, error=str(error).strip())


class Round:
    """Goes round all partitions with held jobs, so that each has its turn however many there are."""

    def __init__(self) -> None:
        #: Whether nothing at all was held at the last look.
        self.is_over = True
        self._after = ""

    def go_on(self, *, for_: timedelta) -> None:
        """Admit what there is room for, until all partitions were looked at or that time is over."""
        until = time.monotonic() + for_.total_seconds()
        while publishing.is_open:
            keys = held.keys(store.connection(), after=self._after, limit=BATCH)
            _admit(keys, wait=False)
            self.is_over = not (keys or self._after)
            self._after = keys[-1] if len(keys) == BATCH else ""
            if not self._after or time.monotonic() > until:
                return


def _admit(keys: Sequence[str], *, wait: bool) -> None:
    if not publishing.is_open:
        return  # beat comes back to it
    for first in range(0, len(keys), BATCH):
        known = [bounds_of(key) for key in keys[first : first + BATCH]]
        bounds = [one for one in known if one is not None]
        # Mostly there is no room. A look locks nothing, and does not take SQLite's one writer.
        if bounds and held.rooms(store.connection(), bounds):
            _admit_batch(bounds, wait=wait)


def _admit_batch(bounds: Sequence[held.Bounds], *, wait: bool) -> None:
    with transaction() as session:
        connection = store.under(session)
        locked = held.lock(connection, bounds, wait=wait)
        room = held.rooms(connection, locked) if locked else {}
        ids = held.take(connection, room) if room else []
        dispatches = sent.mark_admitted(session, ids=ids)
    if dispatches:
        _send(dispatches)


def _send(dispatches: Sequence[Dispatch]) -> None:
    try:
        unsent = publisher.publish(dispatches)
    except Exception:
        # One of them makes no message. Recovery misses them soon, and ends the one that stands in the way.
        log.exception("messages_not_made", jobs=len(dispatches))
        return
    if unsent:
        sent.mark_unpublished(unsent)


def take_free(key: str) -> bool:
    """Take a turn of that partition as if a job of it had begun, where there is room and nobody waits."""
    bounds = bounds_of(key)
    if bounds is None or not turns.is_free(store.connection(), bounds):
        return False
    with transaction() as session:
        connection = store.under(session)
        held.lock(connection, [bounds], wait=True)
        return turns.take(connection, bounds)


def count_turn(key: str) -> None:
    """Take a turn of that partition in any case: those that are held in it wait so much longer."""
    bounds = bounds_of(key)
    if bounds is not None:
        with transaction() as session:
            turns.count(store.under(session), bounds)


def bounds_of(key: str) -> held.Bounds | None:
    """The limits that are declared now; they may have been others when the jobs were accepted.

    None for a task that only a newer release knows: its jobs are left to beat and workers of that.
    """
    try:
        limits = limits_of(key)
    except UnknownTask:
        return None
    rate = limits.rate if limits else None
    return held.Bounds(
        key=key,
        most_running=limits.concurrency if limits else None,
        most_started=rate.most if rate else None,
        window_seconds=rate.window.total_seconds() if rate else 0.0,
    )

"""Writes what was noted, from beat: a store that is away delays nothing but what is written there."""

from __future__ import annotations

import atexit
import os
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from celery import signals
from sqlalchemy import delete, select, update

from app.db.clock import clock
from app.db.pruning import kept_since
from app.db.sessions import reading, transaction
from app.jobs.ledger import encoding
from app.jobs.ledger.models import Job
from app.outbound.mirror import triggers
from app.outbound.mirror.endings import endings
from app.outbound.mirror.models import ResultNote
from app.processes.repeating_thread import RepeatingThread
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.outbound.mirror.endings import Ending
    from app.outbound.mirror.stores import Store

log = structlog.get_logger(__name__)

#: As many results are in memory at once.
BATCH = 50
EVERY = timedelta(seconds=0.5)
#: A store that is away is tried again after a second, and at most so much later.
MAX_PAUSE = timedelta(seconds=30)


class Mirror(RepeatingThread):
    """Looks for notes twice a second, and writes until there are none."""

    def __init__(self) -> None:
        super().__init__(name="result-mirror")
        self._wait = EVERY
        self._store: Store | None = None

    def pause(self) -> float:
        """Longer each time that the store was away."""
        return self._wait.total_seconds()

    def work(self) -> None:
        """Write all that is noted. Raises what is wrong with the store, or with the ledger."""
        place = settings().mirror
        self._wait = min(max(self._wait * 2, timedelta(seconds=1)), MAX_PAUSE)
        if place is None:
            triggers.remove()
            self.end()
            return
        if self._store is None:
            triggers.put()
            # Not above: the drivers of the stores are large, and few have a mirror.
            from app.outbound.mirror.stores import store_at

            self._store = store_at(place)
        while write_some(self._store) == BATCH:
            self._wait = EVERY
        self._wait = EVERY


def write_some(store: Store) -> int:
    """Write what was noted first, and forget the notes; how many there were."""
    with reading() as session:
        noted = select(ResultNote.id, ResultNote.job_id).where(ResultNote.problem.is_(None))
        notes = [(row.id, row.job_id) for row in session.execute(noted.order_by(ResultNote.id).limit(BATCH))]
        found = endings(session, {job_id for _, job_id in notes})
    if notes:
        refused = _write(store, found)
        _settle(notes, found, refused)
    return len(notes)


def _write(store: Store, found: Sequence[Ending]) -> dict[str, str]:
    """Write the results; what is wrong with those that the store does not take, by their jobs."""
    if not found:
        return {}
    try:
        store.write(found)
    except Exception as error:
        if store.is_at_fault(error):
            raise
        if len(found) > 1:
            # One by one, the others are taken.
            return {name: why for one in found for name, why in _write(store, [one]).items()}
        log.error("result_not_mirrored", job_id=found[0].id, error=encoding.sentence(error))
        return {found[0].id: encoding.sentence(error)}
    return {}


def _settle(notes: Sequence[tuple[int, str]], found: Sequence[Ending], refused: dict[str, str]) -> None:
    fences = {ending.id: ending.fence for ending in found}
    with transaction() as session:
        for job_id, problem in refused.items():
            these = [note_id for note_id, noted in notes if noted == job_id]
            session.execute(update(ResultNote).where(ResultNote.id.in_(these)).values(problem=problem))
        done = [note_id for note_id, noted in notes if noted not in refused]
        session.execute(delete(ResultNote).where(ResultNote.id.in_(done)))
        now = select(Job.id, Job.fence).where(Job.id.in_(fences))
        for job_id, fence in session.execute(now):
            # It ran again meanwhile, and another beat may have written what came of that before this.
            if fence != fences[job_id]:
                session.add(ResultNote(job_id=job_id, noted_at=clock()))
        old = ResultNote.problem.is_not(None) & (ResultNote.noted_at < kept_since(session))
        session.execute(delete(ResultNote).where(old))


def begin(**_: object) -> None:
    """Write from now on, until this process ends."""
    mirror = Mirror()
    mirror.start()
    atexit.register(_end, mirror, os.getpid())


def _end(mirror: Mirror, pid: int) -> None:
    if os.getpid() == pid:
        mirror.end()


def add_mirror() -> None:
    """Have each beat write results to where the settings say."""
    signals.beat_init.connect(begin)

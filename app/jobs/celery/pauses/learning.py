"""What a worker knows of paused queues: from the ledger before it takes its first job, then by its heartbeat.

While the database is away, what was known last holds. A worker that starts then takes nothing until it has
been told: nothing of the ledger could begin anyway, and of a paused queue nothing may.
"""

from __future__ import annotations

from typing import Any

import structlog
from celery import signals

from app.db import outages
from app.db.sessions import reading
from app.jobs.celery.pauses import known
from app.jobs.pauses.service import PAUSED
from app.logs.failures import first_line
from app.topology import Queue

log = structlog.get_logger(__name__)

ALL = frozenset(queue.value for queue in Queue)


def learn(paused: frozenset[str]) -> None:
    """From now on these queues are paused, and no others."""
    if known.leave_out(paused):
        log.info("queues_paused", queues=sorted(paused))


@signals.celeryd_after_setup.connect
def _ask(**_: Any) -> None:
    try:
        with reading() as session:
            learn(frozenset(session.scalars(PAUSED)))
    except outages.ERRORS as error:
        log.warning("pauses_not_known", error=first_line(error), remedy="no job is taken until they are")
        learn(ALL)

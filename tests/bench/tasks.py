"""The same tasks as the peers have, in the ledger and as non-durable tasks."""

from __future__ import annotations

import logging
import time

from app.jobs.celery.task import task
from tests.bench import measures
from tests.bench.peers.peer import note_arrival

log = logging.getLogger(__name__)


@task(public=True)
def nothing() -> str:
    """No work at all, and a result."""
    return "done"


@task()
def five_lines() -> str:
    """Say five times what is done."""
    for number in range(5):
        log.info("Synced %d of %s items for account %s", number, "five", "ac-19")
    return "done"


@task()
def nap() -> None:
    """Wait, as for another service."""
    time.sleep(measures.NAP_SECONDS)


@task(durable=False)
def nothing_light() -> None:
    """No work at all, and no ledger."""


@task()
def arrive(sent: float) -> None:
    """Note how long it took from being accepted to being run."""
    note_arrival(sent)


@task()
def begin(sent: float) -> None:
    """As `arrive`, for many at a time."""
    measures.note_wait(sent)

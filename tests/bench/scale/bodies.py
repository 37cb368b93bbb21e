"""A task that does next to nothing but wait, as one that asks somebody over a network."""

from __future__ import annotations

import time

from app.jobs.celery.task import task
from tests.bench.measures import NAP_SECONDS


@task()
def rest() -> str:
    """Wait."""
    time.sleep(NAP_SECONDS)
    return "rested"

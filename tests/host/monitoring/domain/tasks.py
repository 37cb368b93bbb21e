"""Tasks that take a given time, and one that cannot be done for some time."""

from __future__ import annotations

import time
from pathlib import Path

from app.jobs.celery.task import task
from app.jobs.declaration.registry import Retry
from app.topology import Queue

BROKEN = Path("/var/lib/groundwork/rehearsal-broken")


@task(queue=Queue.INTEGRATIONS)
def nap(seconds: float) -> None:
    """Take `seconds`, where many may at a time."""
    time.sleep(seconds)


@task(queue=Queue.MAINTENANCE)
def work(seconds: float) -> None:
    """Take `seconds` in a process that can be killed."""
    time.sleep(seconds)


@task(queue=Queue.MAINTENANCE, retry=Retry(max_attempts=1, on=()))
def fail() -> None:
    """Fail for good, unless what it asks is whole again."""
    if BROKEN.exists():
        raise ValueError("This was to fail.")

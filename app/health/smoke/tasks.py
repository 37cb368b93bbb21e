"""The task of smoke."""

from __future__ import annotations

from app.jobs.celery.task import task
from app.jobs.declaration.registry import Retry
from app.topology import Priority


# Urgent: the question is whether the pool works, not how much it has to do.
@task(priority=Priority.URGENT, retry=Retry(max_attempts=1, on=()))
def answer() -> str:
    """Do nothing, to show that the worker which runs it does jobs."""
    return "here"

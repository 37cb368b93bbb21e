"""Tasks whose bodies are coroutines."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from sqlalchemy import text

from app.jobs.celery.task import task
from app.jobs.declaration.registry import Retry
from app.jobs.errors import RetryableError
from app.jobs.transitions.attempt import checkpoint, job_session

QUICK = Retry(max_attempts=3, first=timedelta(seconds=0.1), jitter=False)


def note(name: str) -> None:
    job_session().execute(text("INSERT INTO effect (name) VALUES (:name)"), {"name": name})


@task()
async def record_between_waits(name: str) -> str:
    """Two effects in the job's one transaction, with something else done meanwhile."""
    note(name)
    await asyncio.gather(asyncio.sleep(0.01), asyncio.to_thread(str, 1))
    note(name)
    return name


@task(retry=Retry(max_attempts=1))
async def fail_after(name: str) -> None:
    note(name)
    await asyncio.sleep(0)
    raise ValueError("it went wrong")


@task(retry=QUICK, bind=True)
async def succeed_at_last(self: Any, name: str) -> int:
    note(name)
    await asyncio.sleep(0)
    if self.request.retries < 2:
        raise RetryableError("not yet")
    return int(self.request.retries)


@task(bind=True)
async def ask_for_a_retry(self: Any) -> int:
    await asyncio.sleep(0)
    if self.request.retries == 0:
        raise self.retry(countdown=0)
    return int(self.request.retries)


@task()
async def await_file(path: str) -> str:
    """As that of `tests.sample.tasks`."""
    Path(f"{path}.started").touch()
    while not Path(path).exists():
        await asyncio.sleep(0.02)
    return "seen"


@task(soft_time_limit=1, retry=Retry(max_attempts=1))
async def wait_for_nothing(name: str) -> None:
    note(name)
    await asyncio.Event().wait()


@task(soft_time_limit=1, retry=Retry(max_attempts=1))
async def compute_without_end() -> None:
    await asyncio.sleep(0)
    while True:
        pass


@task(soft_time_limit=1, retry=Retry(max_attempts=1))
async def tidy_up_at_the_limit(name: str) -> str:
    """What it catches it may answer, as any other body may; what it waited for is cancelled."""
    inner = asyncio.create_task(asyncio.Event().wait())
    try:
        await asyncio.gather(inner)
    except SoftTimeLimitExceeded:
        await asyncio.sleep(0.01)
        note(name)
        return "cancelled" if inner.cancelled() else "left"
    return "never"


@task()
async def go_on_after_a_checkpoint(name: str, path: str) -> str:
    note(name)
    checkpoint({"done": 1})
    return str(await await_file.run(path))

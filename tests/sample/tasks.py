"""Tasks that only tests run; workers get them by `-I tests.sample.tasks`."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from sqlalchemy import text

from app.jobs.celery.task import task
from app.jobs.declaration.registry import Retry
from app.jobs.errors import PermanentError, RetryableError
from app.jobs.transitions.attempt import checkpoint, job_session
from app.topology import Queue

QUICK = Retry(first=timedelta(seconds=0.1), jitter=False)


@task(public=True)
def add(x: int, y: int) -> int:
    """Add two numbers."""
    return x + y


@task()
def memory_copied_by_a_search_for_garbage() -> int:
    """How many KiB this process no longer shares once it has looked at all objects."""
    before = _private_kib()
    gc.collect()
    return _private_kib() - before


def _private_kib() -> int:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("Private_Dirty:")))


@task()
def total(values: list[int]) -> int:
    return sum(values)


@task(retry=QUICK, bind=True)
def fail_until(self: Any, attempt: int) -> int:
    """Fail in a way that may pass until the attempt of that number."""
    if self.request.retries + 1 < attempt:
        raise RetryableError("not yet")
    return int(self.request.retries) + 1


@task(retry=Retry(first=timedelta(seconds=0.1), jitter=False, max_attempts=None))
def fail_for_ever(attempt: int) -> None:
    raise RetryableError("not yet")


@task(retry=QUICK)
def fail_for_good() -> None:
    raise PermanentError("no repetition mends this")


@task()
def has_a_bug() -> None:
    raise ValueError("a bug")


@task(bind=True, max_retries=5)
def retry_itself(self: Any, times: int) -> int:
    if self.request.retries < times:
        raise self.retry(countdown=0.1)
    return int(self.request.retries)


@task()
def echo(*args: Any, **kwargs: Any) -> Any:
    """Return what it is called with."""
    return [list(args), kwargs]


@task()
def give_nan() -> float:
    return float("nan")


@task(durable=False)
def write_down(path: str, value: Any) -> None:
    """Leave behind what it is called with."""
    part = Path(f"{path}.part")
    part.write_text(ascii(value))
    part.rename(path)


@task(sensitive=("secret",))
def echo_secret(secret: Any) -> Any:
    return secret


@task(bind=True)
def tell_and_wait(self: Any, value: Any, path: str) -> None:
    """Report a value, then wait until the file is there."""
    self.update_state(state="PROGRESS", meta={"value": value})
    while not Path(path).exists():
        time.sleep(0.05)


@task(bind=True)
def retry_in(self: Any, countdown: Any) -> int:
    """Retry once, after as long as asked."""
    if self.request.retries == 0:
        raise self.retry(countdown=countdown)
    return int(self.request.retries)


@task(bind=True)
def replace_itself(self: Any, x: int) -> Any:
    return self.replace(add.s(x, 1) | add.s(10))


@task()
async def double(x: int) -> int:
    await asyncio.sleep(0)
    return 2 * x


@task(sensitive=("password",))
def length(user: str, password: str) -> int:
    return len(user) + len(password)


@task()
def record_effect(name: str) -> None:
    """Write a row that commits with the job's finish; tests count the rows."""
    job_session().execute(text("INSERT INTO effect (name) VALUES (:name)"), {"name": name})


@task()
def record_effect_and_fail(name: str) -> None:
    record_effect.run(name)
    raise ValueError("after the effect")


@task()
def accept_and_fail(name: str) -> None:
    record_effect.delay(name)
    raise ValueError("after accepting another job")


@task()
def wait_for_file(path: str) -> str:
    """Run until the test makes `path`; says that it runs by making `path` + `.started`."""
    Path(f"{path}.started").touch()
    while not Path(path).exists():
        time.sleep(0.02)
    return "seen"


@task()
def count_in_steps(path: str, steps: int) -> int:
    """Make a checkpoint at every step, wait at the last for the test to make `path`."""
    for step in range(1, steps + 1):
        checkpoint({"done": step, "total": steps})
    return len(wait_for_file.run(path))


@task(retry=QUICK)
def kill_own_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@task(retry=QUICK, queue=Queue.ANALYTICS)
def kill_whole_worker() -> None:
    os.killpg(os.getpgid(os.getppid()), signal.SIGKILL)


@task(time_limit=1, soft_time_limit=None, retry=Retry(max_attempts=2, after_time_limit=True))
def never_end_twice() -> None:
    never_end.run()


@task(time_limit=1, soft_time_limit=None, retry=QUICK)
def never_end() -> None:
    while True:
        with suppress(SoftTimeLimitExceeded):
            time.sleep(1)


@task(durable=False)
def touch(path: str) -> None:
    """A non-durable task."""
    Path(path).touch()


@task()
def not_json() -> object:
    return object()


@task(unique_while="queued", public=True)
def index_pages(site: str, depth: int = 1) -> None:
    """One waiting job is enough for all who changed something."""


@task(unique_while="running")
def rebuild(path: str) -> None:
    """Wait for the test to make `path`."""
    wait_for_file.run(path)


@task(unique_for=timedelta(hours=1), sensitive=("token",))
def greet(name: str, token: str = "") -> str:
    return f"{name} {token}"


@task(rate_limit="10/s", partition_by="tenant", sensitive=("word",))
def knock(tenant: Any, word: str = "") -> None:
    """Begin, no more often than ten times a second for each tenant."""


@task(concurrency=2, partition_by="tenant", retry=QUICK)
def occupy(tenant: str, path: str) -> None:
    """Take one of two places of a tenant until the test makes `path`."""
    wait_for_file.run(path)


@task(concurrency=1)
def alone(seconds: float) -> None:
    time.sleep(seconds)


@task(partition_by="tenant")
def serve(tenant: str, seconds: float = 0.0) -> None:
    time.sleep(seconds)


@task()
def serve_by_order(tenant: str) -> None:
    """As `serve`, but first come, first served."""

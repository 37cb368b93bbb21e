"""The same tasks as in `stock`, in the ledger and as non-durable tasks."""

from __future__ import annotations

import os
import time

import redis

from app.jobs.celery.task import task


@task(public=True)
def nothing() -> None:
    """No work at all."""


@task(durable=False)
def nothing_light() -> None:
    """No work at all, and no ledger."""


@task()
def arrive(sent: float) -> None:
    """Note how long it took from being accepted to being run."""
    redis.Redis.from_url(os.environ["BENCH_REDIS_URL"]).rpush("arrivals", time.time() - sent)

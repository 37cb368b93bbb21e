"""Plain Celery, without a ledger: what the ledger is measured against."""

from __future__ import annotations

import os
import time

import redis
from celery import Celery

REDIS_URL = os.environ["BENCH_REDIS_URL"]

app = Celery("stock", broker=REDIS_URL)
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    accept_content=["json"],
    worker_hijack_root_logger=False,
)


@app.task(name="stock.nothing")
def nothing() -> None:
    """No work at all."""


@app.task(name="stock.arrive")
def arrive(sent: float) -> None:
    """Note how long it took from being sent to being run."""
    redis.Redis.from_url(REDIS_URL).rpush("arrivals", time.time() - sent)

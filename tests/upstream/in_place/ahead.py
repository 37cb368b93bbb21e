"""What takes several messages at once, and the requests that go with it."""

from __future__ import annotations

from typing import Any

from celery.app import trace
from celery.app.task import Task
from celery.backends.redis import RedisBackend
from celery.contrib.testing.worker import test_worker_starting
from celery.worker.consumer import Consumer

task: Any = Task
task.Request = "app.jobs.celery.request:JobRequest"
backend: Any = RedisBackend
# Called for jobs of the ledger alone, of which these tests have none.
backend.after_death = None
consumer: Any = Consumer
consumer.Blueprint.default_steps.append("app.jobs.celery.batches.step:ClaimAhead")


def _trace_as_workers_do(sender: Any, **_: object) -> None:
    """As a worker that is no part of a test does before its pool starts."""
    trace.setup_worker_optimizations(sender)


test_worker_starting.connect(_trace_as_workers_do)

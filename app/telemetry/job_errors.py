"""Reports what ends a job badly: once it will not be tried again by itself."""

from __future__ import annotations

from typing import Any

from celery import signals

from app.jobs.publish.headers import CONTEXT_HEADER
from app.telemetry.hiding import is_about_somebody, message_of, shown
from app.telemetry.sentry import report


def connect() -> None:
    """Begin."""
    signals.task_failure.connect(_report)


def _report(sender: Any, task_id: str, exception: BaseException, args: Any, kwargs: Any, **_: Any) -> None:
    request = sender.request
    context = request.get(CONTEXT_HEADER) or {}
    tags = {"job_id": task_id, "task": sender.name, "attempt": str((request.retries or 0) + 1)}
    if request_id := context.get("request_id"):
        tags["request_id"] = str(request_id)
    task, given = sender.name, {"args": args, "kwargs": kwargs}
    report(
        exception,
        tags=tags,
        arguments=None if is_about_somebody(task) else shown(given),
        tell=lambda message: message_of(message, task=task, arguments=given),
    )

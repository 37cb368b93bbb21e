"""Reports what ends a job badly: once it will not be tried again by itself."""

from __future__ import annotations

from typing import Any

from celery import signals

from app.jobs.publish.headers import CONTEXT_HEADER
from app.jobs.transitions import deaths
from app.jobs.transitions.deaths import Death
from app.telemetry.hiding import is_about_somebody, message_of, shown
from app.telemetry.sentry import report


def connect() -> None:
    """Begin."""
    signals.task_failure.connect(_report_failure)
    deaths.listen(_report_death)


def _report_failure(
    sender: Any, task_id: str, exception: BaseException, args: Any, kwargs: Any, **_: Any
) -> None:
    request = sender.request
    attempt, context = (request.retries or 0) + 1, request.get(CONTEXT_HEADER)
    _report(Death(task_id, sender.name, attempt, str(exception), args, kwargs, context), exception)


def _report_death(death: Death) -> None:
    """One that recovery found: its error is a kind and a sentence, and has no traceback."""
    kind, _, sentence = death.error.partition(": ")
    _report(death, type(kind, (Exception,), {})(sentence))


def _report(death: Death, error: BaseException) -> None:
    tags = {"job_id": death.job_id, "task": death.task, "attempt": str(death.attempt)}
    if request_id := (death.context or {}).get("request_id"):
        tags["request_id"] = str(request_id)
    task, given = death.task, {"args": death.args, "kwargs": death.kwargs}
    report(
        error,
        tags=tags,
        arguments=None if is_about_somebody(task) else shown(given),
        tell=lambda message: message_of(message, task=task, arguments=given),
    )

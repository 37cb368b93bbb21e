"""A span for each job that is accepted, and one for each attempt, in the trace of whoever asked for it.

Celery's signals carry them: a receiver's headers stay with the job however often it is sent.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from celery import signals, states
from opentelemetry.context import attach, detach
from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context

from app.telemetry.hiding import message_of
from app.telemetry.spans import PROPAGATOR, context_of, tracer

if TYPE_CHECKING:
    from opentelemetry.trace import Span

#: Where the request of a task holds its span.
_HELD = "groundwork_span"

_accepting: ContextVar[Span | None] = ContextVar("groundwork_accepting", default=None)


def connect() -> None:
    """Begin."""
    signals.before_task_publish.connect(_begin_acceptance)
    signals.after_task_publish.connect(_end_acceptance)
    signals.task_prerun.connect(_begin_attempt)
    signals.task_retry.connect(_note_retry)
    signals.task_failure.connect(_note_failure)
    signals.task_postrun.connect(_end_attempt)


def _begin_acceptance(sender: str, headers: dict[str, Any], routing_key: str, **_: Any) -> None:
    attributes = _attributes(task=sender, job_id=str(headers["id"]), queue=routing_key)
    span = tracer().start_span(f"accept {sender}", kind=SpanKind.PRODUCER, attributes=attributes)
    _accepting.set(span)
    PROPAGATOR.inject(headers, context=set_span_in_context(span))


def _end_acceptance(**_: Any) -> None:
    if (span := _accepting.get()) is not None:
        span.end()


def _begin_attempt(task_id: str, task: Any, **_: Any) -> None:
    request = task.request
    context = context_of(getattr(request, "traceparent", None))
    queue = (request.delivery_info or {}).get("routing_key") or ""
    attributes = _attributes(task=task.name, job_id=task_id, queue=queue)
    attributes |= {
        "groundwork.attempt": (request.retries or 0) + 1,
        "groundwork.worker": request.hostname or "",
    }
    span = tracer().start_span(
        f"run {task.name}", context=context, kind=SpanKind.CONSUMER, attributes=attributes
    )
    setattr(request, _HELD, (span, attach(set_span_in_context(span, context))))


def _note_retry(sender: Any, reason: BaseException, **_: Any) -> None:
    if held := getattr(sender.request, _HELD, None):
        held[0].add_event("retry", _described(reason, sender.request))


def _note_failure(sender: Any, exception: BaseException, **_: Any) -> None:
    if held := getattr(sender.request, _HELD, None):
        described = _described(exception, sender.request)
        held[0].add_event("exception", described)
        held[0].set_status(StatusCode.ERROR, described["exception.message"])


def _end_attempt(task: Any, state: str | None, **_: Any) -> None:
    held = getattr(task.request, _HELD, None)
    if held is None:
        return
    span, token = held
    setattr(task.request, _HELD, None)
    # None where the ledger refused the message: a copy, or a job that is another's by now.
    span.set_attribute("groundwork.outcome", str(state or states.IGNORED).lower())
    span.end()
    detach(token)


def _attributes(*, task: str, job_id: str, queue: str) -> dict[str, str | int]:
    return {
        "messaging.system": "celery",
        "messaging.destination.name": queue,
        "messaging.message.id": job_id,
        "groundwork.task": task,
    }


def _described(error: BaseException, request: Any) -> dict[str, str]:
    message = message_of(error, task=request.task, arguments=[request.args, request.kwargs])
    return {"exception.type": type(error).__name__, "exception.message": message}

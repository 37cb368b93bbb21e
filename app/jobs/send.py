"""The one door through which Celery sends: `.delay`, `.apply_async`, canvas, `celery call`, retries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kombu import Queue as KombuQueue
from kombu.utils import json
from kombu.utils.functional import maybe_list

from app import db
from app.jobs import attempt, registry
from app.jobs.accept import accept, accept_alone
from app.jobs.limits import soft_limit
from app.jobs.making import arguments, new_job
from app.jobs.signatures import sealed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.jobs.store import NewJob

#: Options of `apply_async` that belong to the message and are kept in the row, by the name they get there.
_KEPT = {
    "chain": "chain",
    "chord": "chord",
    "group_index": "group_index",
    "parent_id": "parent_id",
    "shadow": "shadow",
    "reply_to": "reply_to",
    "headers": "headers",
    "ignore_result": "ignore_result",
    "replaced_task_nesting": "replaced_task_nesting",
    "stamped_headers": "stamped_headers",
}


def is_durable(name: str) -> bool:
    """Whether jobs of this task go through the ledger."""
    return registry.spec_of(name).durable


def send(
    name: str, args: Sequence[Any] | None, kwargs: Mapping[str, Any] | None, options: dict[str, Any]
) -> str:
    """Accept a job in the surrounding transaction, or in one of its own; the answer is its id.

    Sent under the id of the running job, it is that job moving on (a retry, a replacement), not a second.
    """
    job = job_of(name, args or (), kwargs or {}, options)
    running = attempt.current()
    if running is not None and job.id == running.id:
        running.moved = job
        return job.id
    session = db.current_session() or (running.session() if running else None)
    return accept(session, [job])[0].id if session is not None else accept_alone(job)


def light(name: str, args: Sequence[Any] | None, kwargs: Mapping[str, Any] | None) -> tuple[Any, Any]:
    """The arguments of a light task as they may go to the broker: checked, the sensitive ones sealed."""
    checked = arguments(registry.spec_of(name), args or (), kwargs or {})
    return json.loads(checked.args), json.loads(checked.kwargs)


def job_of(name: str, args: Sequence[Any], kwargs: Mapping[str, Any], options: dict[str, Any]) -> NewJob:
    """A job as `apply_async` describes it with its `options`."""
    run_at, delay = _moment(options.get("eta")), options.get("countdown") or 0.0
    expires_at, expires_in = _expiry(options.get("expires"))
    return new_job(
        name,
        args=args,
        kwargs=kwargs,
        id=options.get("task_id"),
        key=options.get("key"),
        queue=_queue_name(options),
        run_at=run_at,
        delay_seconds=max(float(delay), 0.0),
        expires_at=expires_at,
        expires_seconds=expires_in,
        priority=options.get("priority"),
        options=_kept(options),
        group_id=options.get("group_id"),
    )


def _queue_name(options: Mapping[str, Any]) -> str | None:
    queue = options.get("queue")
    if isinstance(queue, KombuQueue):
        return str(queue.name)
    # A retry brings the delivery of its message, sent to the anonymous exchange by the queue's name.
    return queue or (options.get("routing_key") if options.get("exchange") == "" else None)


def _moment(value: datetime | str | None) -> datetime | None:
    if value is None:
        return None
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _expiry(value: datetime | str | float | None) -> tuple[datetime | None, float | None]:
    if isinstance(value, int | float):
        return None, float(value)
    return _moment(value), None


def _kept(options: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: sealed(options[given]) for given, name in _KEPT.items() if options.get(given)}
    for given, name in (("link", "callbacks"), ("link_error", "errbacks")):
        if options.get(given):
            kept[name] = sealed(maybe_list(options[given]))
    if options.get("time_limit") or options.get("soft_time_limit"):
        hard = options.get("time_limit")
        kept["timelimit"] = [hard, soft_limit(hard=hard, soft=options.get("soft_time_limit"))]
    if options.get("root_id") and options["root_id"] != options.get("task_id"):
        kept["root_id"] = options["root_id"]
    if options.get("stamped_headers"):
        kept["stamps"] = {stamp: options.get(stamp) for stamp in options["stamped_headers"]}
    return kept

"""The one door through which Celery sends: `.delay`, `.apply_async`, canvas, `celery call`, retries."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from kombu import Queue as KombuQueue
from kombu.utils.functional import maybe_list

from app.db.sessions import current_session
from app.jobs.accept import accept, accept_alone
from app.jobs.celery.signals import announced, has_receivers
from app.jobs.celery.signatures import sealed
from app.jobs.declaration import options as checks
from app.jobs.declaration import registry
from app.jobs.declaration.limits import soft_limit
from app.jobs.declaration.option_shapes import check_shapes
from app.jobs.factory import arguments, new_job
from app.jobs.ledger.uncommitted import note, write
from app.jobs.transitions import attempt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from app.jobs.ledger.new_job import NewJob

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


def send(
    name: str, args: Sequence[Any] | None, kwargs: Mapping[str, Any] | None, options: dict[str, Any]
) -> str:
    """Accept a job in the surrounding transaction, or in one of its own; the answer is its id.

    Sent under the id of the running job, it is that job moving on (a retry, a replacement), not a second.
    """
    running = attempt.current()
    if running is not None and options.get("task_id") == running.id:
        with announced([job_of(name, args or (), kwargs or {}, checks.of_message(options))]) as [
            running.moved
        ]:
            return running.id
    session = current_session() or (running.session() if running else None)
    asked = job_of(name, args or (), kwargs or {}, options)
    if not has_receivers():
        return accept_alone(asked) if session is None else _accept_within(session, asked)
    with announced([asked]) as [job]:
        return accept_alone(job) if session is None else _accept_within(session, job)


def _accept_within(session: Session, job: NewJob) -> str:
    note(session, job)
    if job.key is not None or job.unique is not None:
        # Only the ledger knows which job has the key already, or stands for this one.
        return accept(session, [job])[0].id

    asked = time.monotonic()

    def insert(session: Session) -> None:
        waited = round(time.monotonic() - asked, 3)
        delay, expires = max(job.delay_seconds - waited, 0.0), job.expires_seconds
        expires = None if expires is None else expires - waited
        accept(session, [job._replace(delay_seconds=delay, expires_seconds=expires)])

    write(session, insert)
    return job.id


def non_durable_message(
    name: str, args: Sequence[Any] | None, kwargs: Mapping[str, Any] | None, options: dict[str, Any]
) -> tuple[Any, Any, dict[str, Any]]:
    """What a non-durable task is sent with: checked, and with the sensitive arguments sealed."""
    # What is marked as typed stays so: Celery writes it as it is, and the worker reads it.
    checked = arguments(registry.spec_of(name), args or (), kwargs or {})
    return json.loads(checked.args), json.loads(checked.kwargs), _non_durable_options(options, task=name)


def _non_durable_options(options: dict[str, Any], *, task: str) -> dict[str, Any]:
    """`options` with the times in the forms that Celery itself reads."""
    checks.check(options, task=task)
    check_shapes(options, task=task)
    found, expires = dict(options), checks.expiry(options.get("expires"), task=task)
    if found.get("expires") is not None:
        found["expires"] = expires.seconds if expires.moment is None else expires.moment
    if found.get("countdown") is not None:
        found["countdown"] = checks.countdown(found["countdown"], task=task)
    if found.get("eta") is not None:
        found["eta"] = checks.eta(found["eta"], task=task)
    for limit in ("time_limit", "soft_time_limit"):
        if found.get(limit) is not None:
            found[limit] = checks.time_limit(found[limit], task=task, option=limit)
    return found


def job_of(name: str, args: Sequence[Any], kwargs: Mapping[str, Any], options: dict[str, Any]) -> NewJob:
    """A job as `apply_async` describes it with its `options`."""
    check_shapes(options, task=name)
    given = options.get
    # Most jobs come without any of them, one by one, and each call would be felt.
    expires = checks.NEVER if given("expires") is None else checks.expiry(given("expires"), task=name)
    run_at = None if given("eta") is None else checks.eta(given("eta"), task=name)
    delay = 0.0 if given("countdown") is None else checks.countdown(given("countdown"), task=name)
    return new_job(
        name,
        args=args,
        kwargs=kwargs,
        id=options.get("task_id"),
        key=options.get("key"),
        queue=_queue_name(options),
        # As in Celery, a countdown goes before a moment.
        run_at=None if delay else run_at,
        delay_seconds=delay,
        expires_at=expires.moment,
        expires_seconds=expires.seconds,
        priority=options.get("priority"),
        options=_kept(options, task=name),
        group_id=options.get("group_id"),
    )


def _queue_name(options: Mapping[str, Any]) -> str | None:
    queue = options.get("queue")
    if isinstance(queue, KombuQueue):
        return str(queue.name)
    # A retry brings the delivery of its message, sent to the anonymous exchange by the queue's name.
    return queue or (options.get("routing_key") if options.get("exchange") == "" else None)


def _kept(options: Mapping[str, Any], *, task: str) -> dict[str, Any]:
    kept = {name: sealed(options[given]) for given, name in _KEPT.items() if options.get(given)}
    for given, name in (("link", "callbacks"), ("link_error", "errbacks")):
        if options.get(given):
            kept[name] = sealed(maybe_list(options[given]))
    hard = checks.time_limit(options.get("time_limit"), task=task)
    soft = checks.time_limit(options.get("soft_time_limit"), task=task, option="soft_time_limit")
    if hard or soft:
        kept["timelimit"] = [hard, soft_limit(hard=hard, soft=soft)]
    if options.get("root_id") and options["root_id"] != options.get("task_id"):
        kept["root_id"] = options["root_id"]
    if options.get("stamped_headers"):
        kept["stamps"] = {stamp: options.get(stamp) for stamp in options["stamped_headers"]}
    return kept

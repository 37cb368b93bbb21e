"""Why a job that is due has not begun: what holds it up on its way through the broker to a worker."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from app.jobs.broker.current import broker
from app.jobs.declaration import registry
from app.jobs.transitions.overdue import CHECK_TIMEOUT
from app.jobs.waits.causes import MAX_COUNTED, Cause, Figure, Wait, moment, number, others, span, wait
from app.jobs.waits.late import beat_away, recovery_seconds, unknown_task
from app.settings.config import settings

if TYPE_CHECKING:
    from app.jobs.waits.looks import Look


def of_unpublished(look: Look) -> Wait:
    """Why a ready job is not in the broker."""
    if not look.asks_broker:
        return wait(Cause.BEING_PUBLISHED, "It is being sent to the broker.")
    if look.lists is None:
        return _broker_away()
    if look.own_list is not None and not look.own_list.room:
        return _queue_full(look, messages=look.own_list.length)
    before, room = look.before_in_ledger, look.own_list.room if look.own_list else 0
    if look.late > CHECK_TIMEOUT and room > before:
        return beat_away(look.late)
    sentence = "It is being sent to the broker"
    sentence += f": {others(before)} before it." if before else "."
    return wait(Cause.BEING_PUBLISHED, sentence, before=before)


def of_published(look: Look, published_at: datetime) -> Wait:
    """Why no worker has begun a job that was sent to the broker."""
    if look.asks_broker:
        if look.lists is None:
            return _broker_away()
        missing = _missing_since(look, published_at)
        if missing is not None:
            return _message_lost(look, missing=missing)
    if not look.drain.names:
        return _no_worker(look)
    is_busy = look.running.jobs >= look.drain.processes
    if look.before_in_broker and (look.pace or not is_busy):
        return _behind_others(look)
    if is_busy:
        return _all_busy(look)
    if registry.find(look.job.task) is None:
        return unknown_task(look)
    idle = look.drain.processes - look.running.jobs
    sentence = f"It is the next of its queue, and {idle} of {look.drain.processes} processes are free for it."
    return wait(Cause.NEXT, sentence, idle=idle, processes=look.drain.processes)


def _queue_full(look: Look, *, messages: int) -> Wait:
    limit, queue = settings().queue_depth_limit, look.job.queue
    sentence = (
        f'The queue "{queue}" holds {messages:,} messages of its priority, as many as it may ({limit:,}): '
        f"it is kept in the ledger, where {others(look.before_in_ledger)} before it."
    )
    return wait(
        Cause.QUEUE_FULL, sentence, queue=queue, messages=messages, limit=limit, before=look.before_in_ledger
    )


def _broker_away() -> Wait:
    place = broker().place
    sentence = f"{place} does not answer: the job is safe in the ledger and goes on when it does."
    return wait(Cause.BROKER_AWAY, sentence, broker=place)


def _missing_since(look: Look, published_at: datetime) -> timedelta | None:
    """For how long the broker's list has held nothing so old, beyond what a message may take on its way."""
    found = look.own_list
    if found is None or (found.length and found.oldest is None):
        return None
    oldest = look.now if found.oldest is None else datetime.fromtimestamp(found.oldest, tz=look.now.tzinfo)
    missing = min(oldest, look.now) - timedelta(seconds=settings().lost_after_seconds) - published_at
    return missing if missing > timedelta() else None


def _message_lost(look: Look, *, missing: timedelta) -> Wait:
    if look.own_list is not None and not look.own_list.room:
        return _queue_full(look, messages=look.own_list.length)
    if missing > CHECK_TIMEOUT:
        return beat_away(missing)
    sentence = (
        f"Its message is not in the broker any more: beat sends it again within {recovery_seconds()} s."
    )
    return wait(Cause.MESSAGE_LOST, sentence, within_seconds=recovery_seconds())


def _no_worker(look: Look) -> Wait:
    pools, seen = look.pools, look.drain.last_seen_at
    named = " or ".join(f'"{pool}"' for pool in pools)
    said = f"has been heard of since {moment(seen)}" if seen else "is there"
    sentence = f'No worker of the pool {named}, which drains its queue "{look.job.queue}", {said}: start one.'
    return wait(Cause.NO_WORKER, sentence, queue=look.job.queue, pool=", ".join(pools), last_seen_at=seen)


def _behind_others(look: Look) -> Wait:
    before, pace, queue = look.before_in_broker, look.pace, look.job.queue
    in_queue = f'In the queue "{queue}", {others(before)} before it'
    if pace is None:
        sentence = f"{in_queue}, and none has ended lately."
        return wait(Cause.BEHIND_OTHERS, sentence, before=before, queue=queue)
    seconds = before / pace
    about = "more than" if before > MAX_COUNTED else "about"
    sentence = f"{in_queue}, and {pace:.3g} a second end: {about} {span(seconds)}."
    return wait(
        Cause.BEHIND_OTHERS,
        sentence,
        before=before,
        queue=queue,
        per_second=round(pace, 3),
        seconds=round(seconds, 1),
    )


def _all_busy(look: Look) -> Wait:
    before, (jobs, longest), processes = look.before_in_broker, look.running, look.drain.processes
    figures: dict[str, Figure] = {"processes": processes, "running": jobs, "before": before}
    busy = f"The processes that drain its queue, {number(processes)} in all, are busy"
    if longest is None or longest.started_at is None:
        return wait(Cause.ALL_BUSY, f"{busy}.", **figures)
    seconds = (look.now - longest.started_at).total_seconds()
    sentence = f"{busy}: the job that runs longest, {longest.id} of {longest.task}, has for {span(seconds)}."
    return wait(
        Cause.ALL_BUSY, sentence, longest=longest.id, longest_seconds=round(max(seconds, 0), 1), **figures
    )

"""Why a job of a limited task is held: which of its partition's limits leaves it no room."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import exists, func, select, text

from app.jobs.declaration.partitions import limits_of
from app.jobs.ledger import held
from app.jobs.ledger.models import ADMITTED, Attempt, Job, State, Turn
from app.jobs.transitions.overdue import CHECK_TIMEOUT
from app.jobs.transitions.unadmitted import has_moved
from app.jobs.waits.causes import Cause, Wait, others, span, wait

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import InstrumentedAttribute

    from app.jobs.declaration.admission import Limits, Rate
    from app.jobs.waits.looks import Look


class Places(NamedTuple):
    """What of a partition is on its way, and what runs."""

    ready: int
    running: int


def of_held(look: Look) -> Wait | None:
    """Why a held job is not in the broker; None where it could be, and nobody has seen to it for a while.

    Raises `UnknownTask` where only a newer release knows what its limits are.
    """
    key = look.job.partition
    if key is None:
        return None
    limits, places = limits_of(key), _places(look, key)
    if limits and limits.concurrency is not None and sum(places) >= limits.concurrency:
        return _by_concurrency(look, limits, places)
    if limits and limits.rate and _begun(look, key, limits.rate) + places.ready >= limits.rate.most:
        return _by_rate(look, limits, limits.rate)
    is_late = look.late > CHECK_TIMEOUT and not has_moved(look.session, key, for_=CHECK_TIMEOUT)
    if places.ready >= held.WINDOW or (not is_late and (places.ready or look.before_in_ledger)):
        return _by_partition(look, places)
    if is_late:
        return None
    return wait(Cause.BEING_ADMITTED, "Its partition has room for it: it is sent to the broker at once.")


def _by_concurrency(look: Look, limits: Limits, places: Places) -> Wait:
    sentence = (
        f"Of its task, {limits.concurrency} may run at once{_of(limits)}: {places.running} run, "
        f"{places.ready} are on their way to a worker, "
        f"and {others(look.before_in_ledger)} held before it."
    )
    return wait(
        Cause.CONCURRENCY,
        sentence,
        concurrency=limits.concurrency,
        running=places.running,
        ready=places.ready,
        before=look.before_in_ledger,
    )


def _by_rate(look: Look, limits: Limits, rate: Rate) -> Wait:
    before = look.before_in_ledger
    seconds = (before + 1) * rate.per.total_seconds() / rate.count
    sentence = (
        f"No more than {rate} may begin{_of(limits)}, and {others(before)} held before it: "
        f"about {span(seconds)}."
    )
    return wait(Cause.RATE, sentence, rate=str(rate), before=before, seconds=round(seconds, 1))


def _by_partition(look: Look, places: Places) -> Wait:
    sentence = (
        f"The partitions of its task take turns: of its own, {places.ready} are on their way to a worker, "
        f"{places.running} run, and {others(look.before_in_ledger)} held before it."
    )
    return wait(
        Cause.PARTITION,
        sentence,
        ready=places.ready,
        running=places.running,
        before=look.before_in_ledger,
    )


def _of(limits: Limits) -> str:
    return f" for each {limits.partition_by}" if limits.partition_by else ""


def _places(look: Look, key: str) -> Places:
    counted = select(Job.state, func.count().label("jobs")).where(Job.partition == key, text(ADMITTED))
    found = {row.state: row.jobs for row in look.session.execute(counted.group_by(Job.state))}
    return Places(ready=found.get(State.READY, 0), running=found.get(State.RUNNING, 0))


def _begun(look: Look, key: str, rate: Rate) -> int:
    """How many have begun within the rate's window, turns of calls included, as admission counts them."""
    no_attempt = ~exists().where(Attempt.job_id == Job.id, Attempt.fence == Job.fence)
    counts = (
        _count(look, Job.partition == key, _within(look, Job.started_at, rate.window), no_attempt),
        _count(look, Attempt.partition == key, _within(look, Attempt.started_at, rate.window)),
        _count(look, Turn.partition == key, _within(look, Turn.taken_at, rate.window)),
    )
    return sum(counts)


def _within(
    look: Look, moment: InstrumentedAttribute[datetime | None], window: timedelta
) -> ColumnElement[bool]:
    return moment.between(look.now - window, look.now + window)


def _count(look: Look, *conditions: ColumnElement[bool]) -> int:
    return look.session.scalar(select(func.count()).where(*conditions)) or 0

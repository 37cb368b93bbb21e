"""The tasks of pricing."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

from celery import chord
from pydantic import Field

from app.domains.pricing import service, sweep
from app.domains.pricing.facts import KeyRange, Progress, Stats
from app.domains.pricing.rules.file import current_rules
from app.domains.pricing.rules.table import DAYS_THRESHOLD
from app.domains.pricing.scopes import WRITE
from app.jobs.celery.task import JobTask, task
from app.jobs.declaration.registry import Retry
from app.jobs.transitions.attempt import checkpoint, job_session
from app.schedule.spec import cron
from app.settings.business_clock import business_now
from app.topology import Queue
from app.values.row_ids import RowId

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sqlalchemy.orm import Session

Days = Annotated[int, Field(ge=0, le=sweep.MAX_DAYS)]
PartSize = Annotated[int, Field(ge=1, le=1_000_000)]
ChunkSize = Annotated[int, Field(ge=1, le=sweep.MAX_CHUNK)]

#: Batches that each part of a parallel recompute prices, and how many of them in one transaction.
PART = 5_000
STEP = 500
#: A long import holds all batches; waiting for its end must not make the job dead.
LONG_RETRY = Retry(max_attempts=8, most=timedelta(minutes=2))


@task(queue=Queue.DISCOUNTS, scope=WRITE, schedule=cron("0 * * * *"), public=True, retry=LONG_RETRY)
def recompute_all_discounts(
    days_threshold: Days = DAYS_THRESHOLD, chunk_size: ChunkSize = 100
) -> dict[str, int]:
    """Set the discounts of all batches that expire within `days_threshold` days."""
    return _recompute(days_threshold=days_threshold, chunk_size=chunk_size)


@task(queue=Queue.DISCOUNTS, scope=WRITE, public=True, retry=LONG_RETRY)
def compute_single_batch_discount(batch_id: RowId) -> dict[str, int]:
    """Set the discount of one batch."""
    stats = service.recompute_batch(
        session=job_session(), rules=current_rules(), batch_id=batch_id, now=business_now()
    )
    return asdict(stats)


@task(queue=Queue.DISCOUNTS, scope=WRITE, public=True, retry=LONG_RETRY, bind=True)
def parallel_recompute_discounts(
    self: JobTask, days_threshold: Days = DAYS_THRESHOLD, chunk_size: PartSize = PART
) -> dict[str, int]:
    """As recompute_all_discounts, in parts of `chunk_size` batches that several workers do at once.

    The job goes on as its own completion step: it is done when all parts are, with their sum as its result.
    """
    ranges = service.key_ranges(
        session=job_session(), days_threshold=days_threshold, size=chunk_size, now=business_now()
    )
    if not ranges:
        return asdict(Stats())
    parts = [
        recompute_batch_chunk.s(after_id=keys.after, upto_id=keys.upto, days_threshold=days_threshold)
        for keys in ranges
    ]
    raise self.replace(chord(parts, summarise_recompute.s()))


@task(queue=Queue.DISCOUNTS, scope=WRITE, retry=LONG_RETRY)
def recompute_batch_chunk(after_id: int, upto_id: int, days_threshold: Days) -> dict[str, int]:
    """One part of a parallel recompute: the batches with ids above `after_id` up to `upto_id`."""
    keys = KeyRange(after=after_id, upto=upto_id)
    return _recompute(days_threshold=days_threshold, chunk_size=STEP, keys=keys)


@task(queue=Queue.DISCOUNTS, scope=WRITE)
def summarise_recompute(stats: list[dict[str, int]]) -> dict[str, int]:
    """The end of a parallel recompute: the sum of what its parts did."""
    return asdict(sum((Stats(**part) for part in stats), Stats()))


@task(queue=Queue.MAINTENANCE, schedule=cron("0 2 * * *"))
def cleanup_expired_discounts() -> dict[str, int]:
    """Close the discounts of batches past their expiry date, and those past their own end."""
    return asdict(service.cleanup_expired(session=job_session(), now=business_now()))


@task(queue=Queue.ANALYTICS, scope=WRITE, schedule=cron("0 */6 * * *"), retry=LONG_RETRY)
def update_price_history() -> dict[str, int]:
    """Record the prices that changed, the return to the base price included."""
    return {"recorded": sweep.record_prices(transaction=_of_job, chunk_size=STEP, report=_report)}


def _recompute(*, days_threshold: int, chunk_size: int, keys: KeyRange = sweep.EVERYTHING) -> dict[str, int]:
    stats = sweep.recompute(
        transaction=_of_job,
        rules=current_rules(),
        days_threshold=days_threshold,
        chunk_size=chunk_size,
        keys=keys,
        report=_report,
    )
    return asdict(stats)


def _of_job() -> AbstractContextManager[Session]:
    """The job's session; `_report` commits it after each chunk."""
    return nullcontext(job_session())


def _report(progress: Progress) -> None:
    checkpoint(asdict(progress))

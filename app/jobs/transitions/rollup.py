"""Sums finished work into counters and prunes it: metrics stay exact while the ledger forgets.

`roll_up` adds what ended since the watermark, up to a little before now, in the transaction that moves
the watermark. Each end is counted in exactly one window, because an end is committed within moments of
the time it bears; and under the minute of that time, however late it is counted.
"""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, CursorResult, case, delete, exists, func, literal_column, select, update

from app.db.clock import clock
from app.db.upsert import insert_or_update
from app.jobs.ledger.models import Attempt, Job, JobGroup, JobStat, Outcome, State
from app.jobs.ledger.states import in_state
from app.jobs.statistics import adding, samples
from app.jobs.statistics.adding import ALL
from app.jobs.statistics.buckets import BOUNDS, name_of
from app.jobs.statistics.functions import minute_of, seconds_between
from app.jobs.statistics.sums import ATTEMPT, FINISHED, RUN, WAIT, Counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: An end that bears a time before this long ago is committed by now; a commit that takes longer is missed.
SETTLED = timedelta(seconds=10)
#: After a long standstill the past is summed in steps, each a short transaction.
LONGEST_WINDOW = timedelta(hours=1)
#: While nothing ends, nothing is written; but for so long at most, so that others see that this goes on.
QUIET = timedelta(minutes=1)
PRUNE_BATCH = 1_000
WATERMARK = "watermark"
#: Jobs that were deleted, by state.
PRUNED = "pruned"


def roll_up(session: Session) -> int:
    """Add the jobs that finished since the last call to the counters; the answer is how many.

    A dead job that was brought back before this saw it is counted once, when it ends again; its
    attempts are counted all the same.
    """
    begin, end = _window(session)
    if end <= begin or (end - begin < QUIET and not _has_ended(session, begin=begin, end=end)):
        return 0
    if not _advance(session, begin=begin, end=end):
        return 0
    counted = _count_jobs(session, begin=begin, end=end) + _count_attempts(session, begin=begin, end=end)
    _add_to_totals(session, counted)
    adding.add(session, counted)
    return sum(one.ends for one in counted if one.kind == FINISHED)


def _count_jobs(session: Session, *, begin: datetime, end: datetime) -> list[Counted]:
    finished = (Job.finished_at >= begin) & (Job.finished_at < end)
    began = finished & Job.started_at.is_not(None)
    run = seconds_between(Job.started_at, Job.finished_at)
    wait = seconds_between(func.coalesce(Job.run_at, Job.accepted_at), Job.started_at)
    jobs = _found(session, FINISHED, _ends(Job.state).where(finished))
    runs = _ends(_bucket(run), seconds=run).where(began, in_state(State.DONE))
    waits = _ends(_bucket(wait), seconds=wait).where(began, in_state(State.DONE, State.DEAD))
    return [
        *jobs,
        # The attempt by which a job was done has no row of its own.
        *(one._replace(kind=ATTEMPT) for one in jobs if one.bucket == Outcome.DONE),
        *_found(session, RUN, runs),
        *_found(session, WAIT, waits),
    ]


def _count_attempts(session: Session, *, begin: datetime, end: datetime) -> list[Counted]:
    ended = (Attempt.finished_at >= begin) & (Attempt.finished_at < end)
    run = seconds_between(Attempt.started_at, Attempt.finished_at)
    runs = _ends_of_attempts(_bucket(run), seconds=run).where(ended, Attempt.started_at.is_not(None))
    return [
        *_found(session, ATTEMPT, _ends_of_attempts(Attempt.outcome).where(ended)),
        *_found(session, RUN, runs),
    ]


def watermark(session: Session) -> datetime | None:
    """Up to when finished work is in the counters; None before the first time."""
    micros = session.scalar(select(JobStat.count).where(JobStat.kind == WATERMARK))
    return None if micros is None else EPOCH + timedelta(microseconds=micros)


def _window(session: Session) -> tuple[datetime, datetime]:
    now = session.execute(select(clock())).scalar_one()
    begin = watermark(session)
    if begin is None:
        firsts = [
            session.scalar(select(func.min(moment))) for moment in (Job.finished_at, Attempt.finished_at)
        ]
        begin = min((first for first in firsts if first is not None), default=now - SETTLED)
        first = {"task": "", "queue": "", "kind": WATERMARK, "bucket": "", "seconds": 0.0}
        insert = insert_or_update(session, JobStat).values(**first, count=_micros(begin))
        session.execute(insert.on_conflict_do_nothing())
    return begin, min(now - SETTLED, begin + LONGEST_WINDOW)


def _has_ended(session: Session, *, begin: datetime, end: datetime) -> bool:
    """Whether there is anything to count, at the price of one statement."""
    ended = (exists().where(table.finished_at >= begin, table.finished_at < end) for table in (Job, Attempt))
    return any(session.execute(select(*ended)).one())


def _advance(session: Session, *, begin: datetime, end: datetime) -> bool:
    """Move the watermark; False when somebody else has, and so counts this window."""
    moved = session.execute(
        update(JobStat)
        .where(JobStat.kind == WATERMARK, JobStat.count == _micros(begin))
        .values(count=_micros(end))
    )
    assert isinstance(moved, CursorResult)  # noqa: S101 (narrows the type)
    return moved.rowcount == 1


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def _ends(bucket: Any, *, seconds: Any = 0.0, at: Any = Job.finished_at) -> Select[Any]:
    """How many ends there are of each task, queue, bucket and minute, and their seconds."""
    minute = minute_of(at).label("minute")
    columns = [Job.task, Job.queue, bucket.label("bucket"), minute, func.count(), func.sum(seconds)]
    return select(*columns).select_from(Job).group_by(Job.task, Job.queue, "bucket", "minute")


def _ends_of_attempts(bucket: Any, *, seconds: Any = 0.0) -> Select[Any]:
    ends = _ends(bucket, seconds=seconds, at=Attempt.finished_at)
    return ends.join(Attempt, Attempt.job_id == Job.id)


def _bucket(seconds: ColumnElement[float]) -> ColumnElement[str]:
    steps: list[Any] = [(seconds <= bound, literal_column(f"'{name_of(bound)}'")) for bound in BOUNDS]
    return case(*steps, else_=literal_column(f"'{name_of(math.inf)}'"))


def _found(session: Session, kind: str, counts: Select[Any]) -> list[Counted]:
    return [Counted(task, queue, kind, *rest) for task, queue, *rest in session.execute(counts)]


def _add_to_totals(session: Session, counted: Iterable[Counted]) -> None:
    totals: dict[tuple[str, str, str, str], tuple[int, float]] = {}
    for one in counted:
        count, seconds = totals.get(one[:4], (0, 0.0))
        totals[one[:4]] = (count + one.ends, seconds + one.seconds)
    if not totals:
        return
    columns = ("task", "queue", "kind", "bucket", "count", "seconds")
    rows = [dict(zip(columns, (*key, *total), strict=True)) for key, total in sorted(totals.items())]
    statement = insert_or_update(session, JobStat)
    added = {
        "count": JobStat.count + statement.excluded.count,
        "seconds": JobStat.seconds + statement.excluded.seconds,
    }
    session.connection().execute(
        statement.on_conflict_do_update(index_elements=columns[:4], set_=added), rows
    )


def prune(session: Session, *, before: datetime) -> int:
    """Delete up to `PRUNE_BATCH` done and cancelled jobs that finished before then and are counted.

    Dead jobs stay until somebody retries them. Call again, in a new transaction, while the answer is
    `PRUNE_BATCH`.
    """
    counted = watermark(session)
    if counted is None:
        return 0
    old = in_state(State.DONE, State.CANCELLED) & (Job.finished_at < min(before, counted))
    chosen = select(Job.id).where(old).order_by(Job.finished_at).limit(PRUNE_BATCH)
    deleted = Counter(session.scalars(delete(Job).where(Job.id.in_(chosen)).returning(Job.state)))
    _add_to_totals(session, [Counted(ALL, ALL, PRUNED, state, EPOCH, n, 0.0) for state, n in deleted.items()])
    if deleted.total() < PRUNE_BATCH:
        has_jobs = select(Job.id).where(Job.group_id == JobGroup.id).exists()
        session.execute(delete(JobGroup).where(JobGroup.created_at < before, ~has_jobs))
        adding.forget(session)
        samples.forget(session)
    return deleted.total()

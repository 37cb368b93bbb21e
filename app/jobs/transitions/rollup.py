"""Sums finished work into counters and prunes it: metrics stay exact while the ledger forgets.

`roll_up` adds what ended since the watermark, up to a little before now, in the transaction that moves
the watermark. Each end is counted in exactly one window, because an end is committed within moments of
the time it bears.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    case,
    delete,
    func,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Float

from app.db.clock import clock
from app.jobs.ledger.models import Attempt, Job, JobGroup, JobStat, Outcome, State
from app.jobs.ledger.states import in_state

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.orm import Session

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: An end that bears a time before this long ago is committed by now; a commit that takes longer is missed.
SETTLED = timedelta(seconds=10)
#: After a long standstill the past is summed in steps, each a short transaction.
LONGEST_WINDOW = timedelta(hours=1)
PRUNE_BATCH = 1_000
#: Upper bounds of the histograms in seconds.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400)
WATERMARK = "watermark"
FINISHED, ATTEMPT, RUN, WAIT = "finished", "attempt", "run", "wait"


class seconds_between(FunctionElement[float]):  # noqa: N801 (reads as the SQL function it is)
    """The seconds from the first moment to the second; never below 0, and 0 where one is no moment at all."""

    type = Float()
    inherit_cache = True


@compiles(seconds_between, "postgresql")
def _seconds_postgresql(element: seconds_between, compiler: Any, **kwargs: Any) -> str:
    begin, end = (compiler.process(clause, **kwargs) for clause in element.clauses)
    lasts = f"greatest(extract(epoch FROM ({end}) - ({begin}))::float8, 0)"
    return f"CASE WHEN isfinite({end}) AND isfinite({begin}) THEN {lasts} ELSE 0 END"


@compiles(seconds_between, "sqlite")
def _seconds_sqlite(element: seconds_between, compiler: Any, **kwargs: Any) -> str:
    begin, end = (compiler.process(clause, **kwargs) for clause in element.clauses)
    # A day number holds 40 microseconds; the ledger's times on SQLite are whole milliseconds.
    return f"coalesce(max(round((julianday({end}) - julianday({begin})) * 86400.0, 3), 0.0), 0.0)"


def roll_up(session: Session) -> int:
    """Add the jobs that finished since the last call to the counters; the answer is how many.

    A dead job that was brought back before this saw it is counted once, when it ends again; its
    attempts are counted all the same.
    """
    begin, end = _window(session)
    if end <= begin or not _advance(session, begin=begin, end=end):
        return 0
    finished = (Job.finished_at >= begin) & (Job.finished_at < end)
    ended = (Attempt.finished_at >= begin) & (Attempt.finished_at < end)
    done = finished & in_state(State.DONE)
    ran = finished & in_state(State.DONE, State.DEAD) & Job.started_at.is_not(None)
    due = func.coalesce(Job.run_at, Job.accepted_at)
    of_job = Attempt.job_id == Job.id
    own_run = seconds_between(Job.started_at, Job.finished_at)
    attempt_run = seconds_between(Attempt.started_at, Attempt.finished_at)
    _add(session, _counts(FINISHED, Job.state).where(finished))
    _add(session, _counts(ATTEMPT, literal_column(f"'{Outcome.DONE.value}'")).where(done))
    _add(session, _counts(ATTEMPT, Attempt.outcome).join(Attempt, of_job).where(ended))
    _add(session, _histogram(RUN, own_run).where(done & Job.started_at.is_not(None)))
    _add(
        session,
        _histogram(RUN, attempt_run).join(Attempt, of_job).where(ended & Attempt.started_at.is_not(None)),
    )
    _add(session, _histogram(WAIT, seconds_between(due, Job.started_at)).where(ran))
    return session.scalar(select(func.count()).select_from(Job).where(finished)) or 0


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
        session.execute(_insert(session).values(**first, count=_micros(begin)).on_conflict_do_nothing())
    return begin, min(now - SETTLED, begin + LONGEST_WINDOW)


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


def _counts(kind: str, bucket: Any, *, seconds: Any = 0.0) -> Select[Any]:
    """Rows for `job_stat`, one per task, queue and bucket."""
    columns = [Job.task, Job.queue, literal(kind), bucket.label("bucket"), func.count(), func.sum(seconds)]
    return select(*columns).select_from(Job).group_by(Job.task, Job.queue, "bucket")


def name_of(bound: float) -> str:
    """How the table calls the bucket up to `bound`."""
    return f"{bound:g}"


def _histogram(kind: str, seconds: ColumnElement[float]) -> Select[Any]:
    steps: list[Any] = [(seconds <= bound, literal_column(f"'{name_of(bound)}'")) for bound in BOUNDS]
    return _counts(kind, case(*steps, else_=literal_column(f"'{name_of(math.inf)}'")), seconds=seconds)


def _add(session: Session, rows: Select[Any]) -> None:
    columns = ["task", "queue", "kind", "bucket", "count", "seconds"]
    statement = _insert(session).from_select(columns, rows)
    added = {
        "count": JobStat.count + statement.excluded.count,
        "seconds": JobStat.seconds + statement.excluded.seconds,
    }
    session.execute(statement.on_conflict_do_update(index_elements=columns[:4], set_=added))


def _insert(session: Session) -> Any:
    is_postgresql = session.get_bind().dialect.name == "postgresql"
    return postgresql.insert(JobStat) if is_postgresql else sqlite.insert(JobStat)


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
    deleted = session.execute(delete(Job).where(Job.id.in_(chosen)))
    assert isinstance(deleted, CursorResult)  # noqa: S101 (narrows the type)
    if deleted.rowcount < PRUNE_BATCH:
        has_jobs = select(Job.id).where(Job.group_id == JobGroup.id).exists()
        session.execute(delete(JobGroup).where(JobGroup.created_at < before, ~has_jobs))
    return deleted.rowcount

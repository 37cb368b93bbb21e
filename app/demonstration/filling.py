"""Writes the day into an empty ledger, in the caller's transaction; the roll-up counts it like any other."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, insert, select

from app.db.clock import now as db_now
from app.demonstration import around
from app.demonstration.day import DAY, plan
from app.errors import Conflict
from app.jobs.factory import new_job
from app.jobs.ledger.models import Attempt, Job, JobSearchKey, JobStat, Outcome, State
from app.jobs.transitions.rollup import LONGEST_WINDOW, roll_up
from app.outbound.alerts.models import Alert
from app.outbound.deliveries.models import Delivery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.demonstration.day import Piece
    from app.jobs.ledger.new_job import NewJob

MAIL_TASK = "mail.deliver_mail"
TRACEBACK = """Traceback (most recent call last):
  File "app/jobs/celery/task.py", line 214, in __call__
    return self.run(*args, **kwargs)
  File "app/domains/{domain}/tasks.py", line 46, in {function}
    return service.{function}(session, **arguments)
{error}
"""


class LedgerInUse(Conflict):
    """Raised for a ledger that has seen work: what never was is not mixed with it."""

    code = "ledger_in_use"

    def __init__(self) -> None:
        super().__init__(
            "A day of work for a demonstration goes only into a ledger that has seen none, and this one has; "
            "nothing was added. Have GROUNDWORK_DATABASE_URL name an empty database; run: groundwork migrate"
        )


def fill(session: Session, *, seed: int) -> Counter[str]:
    """Write the day that `seed` makes; its jobs by their states. Raises `LedgerInUse`."""
    if any(session.scalar(select(exists(select(table)))) for table in (Job, JobStat, Delivery, Alert)):
        raise LedgerInUse
    now = db_now(session)
    pieces = plan(seed=seed, now=now)
    mails = [piece for piece in pieces if piece.task == MAIL_TASK]
    for piece, delivery_id in zip(mails, around.add_deliveries(session, mails), strict=True):
        piece.arguments = {"delivery_id": delivery_id}
    _add_jobs(session, pieces)
    around.add_schedule_runs(session, [piece for piece in pieces if piece.is_scheduled], now=now)
    around.add_releases(session, now=now)
    around.add_alerts(session, now=now)
    around.add_acts(session, [piece for piece in pieces if piece.state is State.DEAD], now=now)
    for _ in range(DAY // LONGEST_WINDOW + 1):
        roll_up(session)
    return Counter(piece.state.value for piece in pieces)


def _add_jobs(session: Session, pieces: Sequence[Piece]) -> None:
    made = [new_job(piece.task, kwargs=piece.arguments, id=piece.id, context={}) for piece in pieces]
    both = list(zip(pieces, made, strict=True))
    session.execute(insert(Job), [_job(piece, new) for piece, new in both])
    session.execute(insert(Attempt), [row for piece in pieces for row in _attempts(piece)])
    keys = [
        {"name": name, "value": value, "accepted_at": piece.accepted_at, "job_id": piece.id}
        for piece, new in both
        for name, value in new.search
    ]
    session.execute(insert(JobSearchKey), keys)


def _job(piece: Piece, new: NewJob) -> dict[str, Any]:
    last = piece.runs[-1] if piece.runs else None
    ended = last if piece.state.is_terminal else None
    due = piece.run_at or piece.accepted_at
    return new.work() | {
        "id": piece.id,
        "state": piece.state.value,
        "accepted_at": piece.accepted_at,
        "run_at": due,
        "published_at": due if ended else None,
        "attempt": len(piece.runs),
        "fence": len(piece.runs),
        "worker": ended.worker if ended else None,
        "release": ended.release if ended else None,
        "started_at": last.started_at if last else None,
        "finished_at": ended.finished_at if ended else None,
        "result": piece.result,
        "error": last.error if last else None,
    }


def _attempts(piece: Piece) -> list[dict[str, Any]]:
    return [
        {
            "job_id": piece.id,
            "fence": fence,
            "worker": run.worker,
            "release": run.release,
            "started_at": run.started_at,
            "finished_at": run.finished_at,
            "outcome": run.outcome.value,
            "error": run.error,
            "traceback": None if run.outcome is Outcome.LOST else _traceback(piece.task, run.error),
        }
        for fence, run in enumerate(piece.runs, start=1)
        if run.outcome is not Outcome.DONE
    ]


def _traceback(task: str, error: str | None) -> str:
    domain, _, function = task.partition(".")
    return TRACEBACK.format(domain=domain, function=function, error=error)

"""Jobs accepted in a transaction that is not committed: nobody else sees them, so nobody runs them yet.

SQLite has one writer. A job that did no more than queue others must not be it for as long as it runs, so
there what it queues is written when it writes itself, makes a checkpoint, or ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine
    from sqlalchemy.orm import SessionTransaction

    from app.jobs.ledger.new_job import NewJob

    Write = Callable[[Session], object]

_ACCEPTED = "groundwork_accepted"


class JobSession(Session):
    """The session of a running job; on SQLite it keeps what others may wait for until it writes anyway."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, expire_on_commit=False)
        self._defers = engine.dialect.name == "sqlite"
        self._deferred: list[Write] = []

    def write(self, work: Write) -> None:
        """Do `work` now, or with the next writing of the job; always in the order of asking."""
        self._deferred.append(work)
        if self.in_transaction() or not self._defers:
            self._write_deferred()

    def _write_deferred(self) -> None:
        while self._deferred:
            self._deferred.pop(0)(self)

    def begin_nested(self) -> SessionTransaction:
        self._write_deferred()  # else a rollback to here would undo it
        return super().begin_nested()

    def flush(self, objects: Any = None) -> None:
        self._write_deferred()
        super().flush(objects)

    def commit(self) -> None:
        self._write_deferred()
        super().commit()

    def rollback(self) -> None:
        self._deferred.clear()
        self.info.pop(_ACCEPTED, None)
        super().rollback()


def write(session: Session, work: Write) -> None:
    """Do `work` in the transaction of `session`; in that of a job at the latest with its end."""
    if isinstance(session, JobSession):
        session.write(work)
    else:
        work(session)


def note(session: Session, job: NewJob) -> None:
    """Remember that `job` is accepted in the transaction of `session`."""
    session.info.setdefault(_ACCEPTED, []).append(job)


def hides(session: Session, job_id: str) -> bool:
    """Whether the job, or one that leads to it in a canvas, is accepted in `session` and not committed."""
    accepted: list[NewJob] = session.info.get(_ACCEPTED, [])
    return any(job.id == job_id or job_id in (job.options or "") for job in accepted)


@event.listens_for(Session, "after_commit")
def _committed(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info.pop(_ACCEPTED, None)


@event.listens_for(Session, "after_soft_rollback")
def _rolled_back(session: Session, ended: SessionTransaction) -> None:
    if not ended.nested:
        session.info.pop(_ACCEPTED, None)

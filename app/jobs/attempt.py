"""The attempt that this process runs now: its claim, its session, and how it is finished."""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from celery import signals
from sqlalchemy.orm import Session

from app import db
from app.config import settings
from app.jobs import store
from app.jobs.encoding import encode
from app.jobs.errors import LeaseLost, NoJobRunning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from app.jobs.store import NewJob

T = TypeVar("T")

log = structlog.get_logger(__name__)

#: A worker that cannot reach the database asks again after so long; it holds no other work meanwhile.
DATABASE_RETRY = timedelta(seconds=1)


@dataclass(kw_only=True)
class RunningJob:
    """A claimed job while its body runs."""

    id: str
    fence: int
    attempt: int
    max_attempts: int | None
    #: What the job is to become instead of finished: set by `self.retry()` and `self.replace()`.
    moved: NewJob | None = None
    #: Whether a canvas will bring this id again: set by `self.replace()` with more than one task.
    replaced: bool = False
    _session: Session | None = field(default=None, repr=False)

    def session(self) -> Session:
        """The session whose commit is the job's finish. Opened on first use."""
        if self._session is None:
            self._session = Session(db.engine(), expire_on_commit=False)
        return self._session

    def finish(self, result: str | None) -> None:
        """Mark the job done in the transaction of its effects. Raises `LeaseLost` and undoes them."""
        finish = store.Finish(self.id, self.fence, result)
        if self._session is None:
            # Asked again after an answer was lost, the finish is refused: the job is done already.
            if not _patiently(lambda: store.finish(store.connection(), [finish])):
                raise LeaseLost(job_id=self.id)
            return
        self._session.flush()
        if not store.finish(store.under(self._session), [finish]):
            self.roll_back()
            raise LeaseLost(job_id=self.id)
        self._session.commit()

    def checkpoint(self, progress: Mapping[str, Any] | None) -> None:
        """Commit the effects so far, if this worker still holds the job. Raises `LeaseLost`."""
        encoded = None if progress is None else encode(progress, what="The progress")
        session = self.session()
        session.flush()
        if not store.checkpoint(store.under(session), job_id=self.id, fence=self.fence, progress=encoded):
            self.roll_back()
            raise LeaseLost(job_id=self.id)
        session.commit()

    def report(self, progress: str) -> None:
        """Show `progress` (JSON text) at once, without committing the effects."""
        # SQLite has one writer: a second connection would wait for the session's own transaction.
        if self._session is not None and settings().is_sqlite:
            connection = store.under(self._session)
        else:
            connection = store.connection()
        if not store.checkpoint(connection, job_id=self.id, fence=self.fence, progress=progress):
            raise LeaseLost(job_id=self.id)

    def roll_back(self) -> None:
        """Undo what the session holds; jobs accepted in it are forgotten with it."""
        if self._session is not None:
            self._session.rollback()

    def close(self) -> None:
        """Let go of the session; what was not committed is undone."""
        if self._session is not None:
            self._session.close()
            self._session = None


class EagerJob(RunningJob):
    """What `apply()` runs in the caller's process: it has a job's session, and no row."""

    def checkpoint(self, progress: Mapping[str, Any] | None) -> None:  # noqa: ARG002 (nobody can look)
        """Nothing to renew; the effects are committed at the end."""
        self.session().flush()

    def report(self, progress: str) -> None:
        """Nobody can look."""


_CURRENT: ContextVar[RunningJob | None] = ContextVar("groundwork_job", default=None)


def current() -> RunningJob | None:
    """The job this process runs now."""
    return _CURRENT.get()


def begin(*, job_id: str, attempt: int, worker: str) -> RunningJob | None:
    """Claim the job and make it the current one; None when it is not to be run by this message."""
    message = store.Message(job_id, attempt)
    claims = _patiently(lambda: store.claim(store.connection(), [message], worker=worker))
    if not claims:
        return None
    claim = claims[0]
    job = RunningJob(id=claim.id, fence=claim.fence, attempt=claim.attempt, max_attempts=claim.max_attempts)
    _CURRENT.set(job)
    return job


def accept_foreign(job: NewJob) -> bool:
    """Accept a job whose message is here already; False when it has its row."""
    return bool(_patiently(lambda: store.accept(store.connection(), [job])))


def _patiently(statement: Callable[[], T]) -> T:
    """Run a statement, waiting as long as the database is away: an attempt must not be burnt by that."""
    while True:
        try:
            return statement()
        except store.DatabaseAway as error:
            log.warning("database_away", error=str(error).strip(), retry_seconds=DATABASE_RETRY.seconds)
            store.close()
            time.sleep(DATABASE_RETRY.total_seconds())


@contextmanager
def eagerly(job_id: str) -> Iterator[None]:
    """A session for `apply()`: that of the running job or the surrounding transaction, else its own."""
    if current() is not None:
        yield
        return
    surrounding = db.current_session()
    with db.using(surrounding) if surrounding else db.transaction() as session:
        token = _CURRENT.set(EagerJob(id=job_id, fence=0, attempt=1, max_attempts=None, _session=session))
        try:
            yield
        finally:
            _CURRENT.reset(token)


def end_current() -> None:
    """Forget the current job and close its session."""
    job = _CURRENT.get()
    if job is not None:
        job.close()
        _CURRENT.set(None)


_POOL_CHILD = False


@signals.worker_process_init.connect
def _note_pool_child(**_: object) -> None:
    global _POOL_CHILD
    _POOL_CHILD = True


def in_pool_child() -> bool:
    """Whether this process is one of the worker's pool, not the one that watches over it."""
    return _POOL_CHILD


def job_session() -> Session:
    """The session of the running job: its writes are committed together with the job's finish."""
    job = current()
    if job is None:
        raise NoJobRunning(what="job_session()")
    return job.session()


def checkpoint(progress: Mapping[str, Any] | None = None) -> None:
    """Commit what the running job did so far, show `progress`, and renew the lease.

    Raises `LeaseLost` when the job was given to another worker or cancelled; what was done since the
    last checkpoint is rolled back then. Work before a checkpoint is not undone when the job fails
    later, so it must be right to do it again.
    """
    job = current()
    if job is None:
        raise NoJobRunning(what="checkpoint()")
    job.checkpoint(progress)

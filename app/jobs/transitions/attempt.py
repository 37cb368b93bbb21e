"""The attempt that this process runs now: its claim, its session, and how it is finished."""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from sqlalchemy import Engine, event

from app.db import outages
from app.db.engine import engine
from app.db.sessions import current_session, transaction, using
from app.jobs.declaration import registry
from app.jobs.errors import LeaseLost, NoJobRunning
from app.jobs.ledger import held, inserting, store
from app.jobs.ledger.encoding import encode, sentence
from app.jobs.ledger.retrying import with_retry
from app.jobs.ledger.uncommitted import JobSession, hides
from app.jobs.publish import admission
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import timedelta

    from sqlalchemy import ExceptionContext
    from sqlalchemy.orm import Session

    from app.jobs.ledger.new_job import NewJob
    from app.jobs.logged.buffer import Buffer


#: Longer than a statement is on its way, against which the clocks of two hosts cannot be compared.
TRANSIT_SECONDS = 0.5


#: A longer result is written where it is: the pipe to the main process takes 64 KiB without waiting.
MAX_LEFT = 32 * 1024


class Left(NamedTuple):
    """The finish of a job that its child leaves to the worker's main process."""

    fence: int
    result: str | None
    #: Monotonic time.
    began: float
    #: The result as it is shown to those who watch.
    shown: str | None = None


_LEFT: ContextVar[Left | None] = ContextVar("groundwork_left", default=None)


def take_left() -> Left | None:
    """What the job that has just ended left to be written."""
    left = _LEFT.get()
    _LEFT.set(None)
    return left


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
    #: Whether the turn is used with which it was admitted, if it was.
    turn_used: bool = False
    #: The partitions in which it was admitted, and has that turn yet; None until somebody asks.
    _unused_turns: list[str] | None = field(default=None, repr=False)
    #: What Celery knows of the message; the end of the job may have to be told to those in it.
    request: Any = field(default=None, repr=False)
    #: When the body began (monotonic time), for a job that the main process of the worker has claimed.
    began: float | None = None
    #: The last error of a statement in the ledger's database.
    sql_error: str | None = None
    #: What it has logged, from its first line on.
    log: Buffer | None = field(default=None, repr=False)
    _session: Session | None = field(default=None, repr=False)
    #: Whether the ledger knows it.
    has_row: ClassVar[bool] = True

    def session(self) -> Session:
        """The session whose commit is the job's finish. Opened on first use."""
        if self._session is None:
            self._session = JobSession(engine())
        return self._session

    def finish(self, result: str | None) -> None:
        """Mark the job done in the transaction of its effects. Raises `LeaseLost` and undoes them."""
        self._finish(result)
        if self.turn_used or (self.request is not None and registry.limits_of(self.request.task)):
            admission.admit_after(self.id, task=self.request.task)

    def _finish(self, result: str | None) -> None:
        finish = store.Finish(self.id, self.fence, result)
        if self._session is None:
            if not with_retry(lambda: store.finish(store.connection(), [finish])) and not self.is_done():
                raise LeaseLost(job_id=self.id)
            return
        self._session.flush()
        if not store.finish_with(self._session, finish):
            self.roll_back()
            raise LeaseLost(job_id=self.id)

    def leave_finish(self, result: str | None) -> bool:
        """Leave the finish to the worker's main process, where it is all there is to write; whether it is."""
        is_all = self._session is None and not self.turn_used and len(result or "") <= MAX_LEFT
        if self.began is None or not is_all or registry.limits_of(self.request.task):
            return False
        _LEFT.set(Left(self.fence, result, self.began))
        return True

    def use_turn(self, partition: str) -> bool:
        """Take the turn with which the job was admitted in `partition`, or another that nobody waits for."""
        if self._unused_turns is None:
            self._unused_turns = with_retry(lambda: held.keys_of(store.connection(), [self.id]))
        if partition not in self._unused_turns:
            return with_retry(lambda: admission.take_free(partition))
        self._unused_turns.remove(partition)
        self.turn_used = True
        return True

    def is_done(self) -> bool:
        """Whether this attempt finished the job: a finish whose answer was lost is refused when repeated."""
        return with_retry(lambda: store.is_done(store.connection(), job_id=self.id, fence=self.fence))

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
        if not with_retry(lambda: self._report(progress)):
            raise LeaseLost(job_id=self.id)

    def _report(self, progress: str) -> bool:
        # SQLite has one writer: a second connection would wait for the session's own transaction.
        if self._session is not None and self._session.in_transaction() and settings().is_sqlite:
            connection = store.under(self._session)
        else:
            connection = store.connection()
        return store.checkpoint(connection, job_id=self.id, fence=self.fence, progress=progress)

    def hides(self, job_id: str) -> bool:
        """Whether that job ends only after this one has committed, or is this one."""
        return job_id == self.id or (self._session is not None and hides(self._session, job_id))

    def roll_back(self) -> None:
        """Undo what the session holds, also if its connection is gone; jobs accepted in it are forgotten."""
        if self._session is None:
            return
        try:
            self._session.rollback()
        except outages.ERRORS:
            self._session.invalidate()
            self._session = None

    @contextmanager
    def working_in(self, session: Session) -> Iterator[None]:
        """Make `session` that of the job while its end is written there."""
        self._session = session
        try:
            yield
        finally:
            self._session = None

    def close(self) -> None:
        """Let go of the session; what was not committed is undone."""
        self.roll_back()
        if self._session is not None:
            self._session.close()
            self._session = None


class EagerJob(RunningJob):
    """What `apply()` runs in the caller's process: it has a job's session, and no row."""

    has_row = False

    def checkpoint(self, progress: Mapping[str, Any] | None) -> None:  # noqa: ARG002 (nobody can look)
        """Nothing to renew; the effects are committed at the end."""
        self.session().flush()

    def report(self, progress: str) -> None:
        """Nobody can look."""

    def use_turn(self, partition: str) -> bool:  # noqa: ARG002 (there is nothing to send back)
        """It is always its turn."""
        return True


_CURRENT: ContextVar[RunningJob | None] = ContextVar("groundwork_job", default=None)


def current() -> RunningJob | None:
    """The job this process runs now."""
    return _CURRENT.get()


def begin(*, job_id: str, attempt: int, worker: str, request: Any = None) -> RunningJob | None:
    """Claim the job and make it the current one; None when it is not to be run by this message."""
    message = store.Message(job_id, attempt)
    began = time.monotonic()

    def claim() -> list[store.Claim]:
        return store.claim(store.connection(), [message], worker=worker)

    def claim_again() -> list[store.Claim]:
        claims = claim()
        if claims:
            return claims
        since = time.monotonic() - began + TRANSIT_SECONDS
        return store.take_over(store.connection(), message, worker=worker, since_seconds=since)

    claims = with_retry(claim, again=claim_again)
    if not claims:
        return None
    return _begun(claims[0], request=request)


def _begun(claim: store.Claim, *, request: Any, began: float | None = None) -> RunningJob:
    job = RunningJob(
        id=claim.id,
        fence=claim.fence,
        attempt=claim.attempt,
        max_attempts=claim.max_attempts,
        request=request,
        began=began,
    )
    _CURRENT.set(job)
    _LEFT.set(None)
    return job


def resume(claim: store.Claim, *, since: float, trusted: timedelta, request: Any) -> RunningJob | None:
    """Make a job current that was claimed for this process (monotonic time); None when it is another's now.

    A claim that is older than `trusted` is asked for.
    """
    began = time.monotonic()
    if began - since > trusted.total_seconds() and not with_retry(
        lambda: store.checkpoint(store.connection(), job_id=claim.id, fence=claim.fence, progress=None)
    ):
        return None
    return _begun(claim, request=request, began=began)


def accept_foreign(job: NewJob) -> bool:
    """Accept a job whose message is here already; False when it has its row."""
    return bool(with_retry(lambda: inserting.insert(store.connection(), [job])))


@event.listens_for(Engine, "handle_error")
def _note_error(context: ExceptionContext) -> None:
    """A body that catches such an error and goes on is told which it was once nothing can be committed."""
    job = current()
    if job is not None and not outages.is_broken_transaction(context.original_exception):
        job.sql_error = sentence(context.original_exception)


@contextmanager
def eagerly(job_id: str) -> Iterator[None]:
    """A session for `apply()`: that of the running job or the surrounding transaction, else its own."""
    if current() is not None:
        yield
        return
    surrounding = current_session()
    with using(surrounding) if surrounding else transaction() as session:
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
        if job.log is not None:
            job.log.end()
        if job.request is not None:
            job.request.has_ended = True


def has_ended(request: Any) -> bool:
    """Whether the end of the attempt that `request` began is written; Celery may report it once more."""
    return getattr(request, "has_ended", False) is True


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

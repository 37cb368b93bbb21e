"""The ledger as Celery's result backend: what Celery reports of a task becomes the job's state."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog
from celery import states
from celery.exceptions import NotRegistered, Reject
from kombu.exceptions import EncodeError
from sqlalchemy import update

from app.db import outages
from app.db.clock import now
from app.db.sessions import current_session, using
from app.jobs import errors
from app.jobs.celery import chords, compat, forks, main_process_ends
from app.jobs.celery.batches import claimed
from app.jobs.celery.celery_states import progress_of
from app.jobs.celery.heartbeat import holder
from app.jobs.celery.results import LedgerResults, surrounding_transaction
from app.jobs.errors import LeaseLost
from app.jobs.ledger.encoding import encode, exception, sentence
from app.jobs.ledger.models import Job, State
from app.jobs.publish import sent
from app.jobs.publish.headers import LEDGER_HEADER
from app.jobs.transitions import apply, attempt, deferred_ends, recording, rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery.exceptions import Ignore
    from sqlalchemy.orm import Session

log = structlog.get_logger(__name__)


class NotJson(errors.NotJson, EncodeError):
    """Of this class, Celery lets the task fail with it."""


class LedgerBackend(LedgerResults):
    """Celery calls the `mark_as_*` methods in the worker's processes."""

    # The child's reports: it runs the job and knows its fence.

    def mark_as_done(self, task_id: str, result: Any, request: Any = None, *_: Any, **__: Any) -> None:
        job = attempt.current()
        if job is None or job.id != task_id:
            return
        with self._finishing(job):
            if job.moved is not None:
                _move_on(job)
                return
            encoded = None if getattr(request, "ignore_result", False) else encode(result, error=NotJson)
            if request is not None and request.chord:
                session = job.session()
                chords.count_part(self.app, session, group_id=request.group, part_id=task_id, result=result)
            if not job.leave_finish(encoded):
                job.finish(encoded)

    def mark_as_retry(
        self, task_id: str, exc: Any, traceback: str | None = None, request: Any = None, *_: Any, **__: Any
    ) -> None:
        job = attempt.current()
        if job is not None and job.id == task_id:
            transition = rules.moved(job, error=sentence(exc), traceback=traceback)
            recording.record(job, transition, exc=exc, after_death=self.after_death)
        else:
            # The main process cancelled it in order to stop.
            main_process_ends.end(task_id, rules.released(), request=request)

    def mark_as_failure(
        self, task_id: str, exc: Any, traceback: str | None = None, request: Any = None, *_: Any, **__: Any
    ) -> None:
        job = attempt.current()
        if job is not None and job.id == task_id:
            # What Celery gives is another exception where the one that was raised cannot be pickled.
            self._fail_current(job, sys.exc_info()[1] or exc, traceback)
        elif isinstance(exc, NotRegistered):
            # A newer release knows the task: the job stays ready until a worker of that release takes it.
            deferred_ends.write(lambda: sent.offer_later(task_id), job_id=task_id)
        elif attempt.has_ended(request):
            return
        elif forks.is_runner():
            self._fail_unclaimed(request, exc, traceback)
        else:
            transition = rules.dead(sentence(exc), traceback=traceback, result=self._prepared(exc))
            main_process_ends.end_failed(
                task_id, transition, request=request, exc=exc, after_death=self.after_death
            )

    def _fail_unclaimed(self, request: Any, exc: Any, traceback: str | None) -> None:
        """Something before the body, such as `before_start`, failed; nobody else would ever say so."""
        if request is None or not request.get(LEDGER_HEADER) or outages.is_outage(exc):
            return
        worker = holder(request.hostname)
        job = claimed.begin(request, worker=worker)
        if job is not None:
            self._fail_current(job, exc, traceback)

    def _fail_current(self, job: attempt.RunningJob, exc: Any, traceback: str | None) -> None:
        if outages.is_outage(exc):
            recording.settle(job, exc, after_death=self.after_death)
            return
        transition = rules.dead(sentence(exc), traceback=traceback, result=self._prepared(exc))
        recording.record(job, transition, exc=exc, after_death=self.after_death)

    def settle_refusal(self, job: attempt.RunningJob, refusal: Ignore | Reject) -> None:
        """End an attempt whose body raised `Ignore` or `Reject`, or replaced itself."""
        if isinstance(refusal, Reject):
            requeue = getattr(refusal, "requeue", False)
            transition = rules.requeued() if requeue else rules.dead(sentence(refusal))
            recording.record(job, transition, exc=refusal, after_death=self.after_death)
            return
        with self._finishing(job):
            if job.moved is not None:
                _move_on(job)
            elif job.replaced:
                _await_replacement(job)
            else:
                job.finish(None)

    @contextmanager
    def _finishing(self, job: attempt.RunningJob) -> Iterator[None]:
        """Write the end together with the effects. What else goes wrong comes to `process_cleanup`."""
        try:
            yield
        except Exception as error:
            if not isinstance(error, LeaseLost) and not outages.is_transient(error):
                raise
            # Raising here would make Celery report a failure of a job that is another worker's now, or
            # that runs again.
            recording.settle(job, error, after_death=self.after_death)
        else:
            attempt.end_current()

    def process_cleanup(self) -> None:
        """Celery is done with a message. A job that it still holds, with an error on its way, has no end.

        Callbacks, the rest of a chain and a chord's body are accepted after the body; what is wrong with one
        of them is raised to nobody but this.
        """
        job, error = attempt.current(), sys.exc_info()[1]
        if job is not None and isinstance(error, Exception):
            recording.settle(job, error, after_death=self.after_death)
        attempt.end_current()

    def mark_as_revoked(
        self, task_id: str, reason: str = "", request: Any = None, *_: Any, **__: Any
    ) -> None:
        main_process_ends.cancel(task_id, reason, request=request)

    # What a death entails, in its transaction.

    def after_death(self, session: Session, request: Any, exc: Any) -> None:
        """Tell the dead job's chord, the rest of its chain, and its errbacks."""
        if request is None:
            return
        if request.chord:
            with apply.savepoint(session, job_id=request.id, what="chord"):
                chords.fail(self, session, group_id=request.group, part_id=request.id, error=sentence(exc))
        if request.chain:
            with apply.savepoint(session, job_id=request.id, what="chain"):
                compat.fail_chain(self, request.chain, exc)
        if request.errbacks:
            self._call_task_errbacks(request, exc, None)

    def _call_task_errbacks(self, request: Any, exc: Any, traceback: Any) -> None:
        """Celery calls some errbacks here and now; what goes wrong in one must not undo the death."""
        with (
            surrounding_transaction() as session,
            attempt.eagerly(request.id),
            apply.savepoint(session, job_id=request.id, what="errbacks"),
        ):
            compat.call_errbacks(self, request, exc, traceback)
            # Celery swallows what an errback raises; a broken savepoint must be noticed inside of it.
            now(session)

    def fail_from_current_stack(self, task_id: str, exc: Any = None) -> None:
        """Celery reports jobs here that will not be sent because of an error elsewhere."""
        with surrounding_transaction() as session:
            result = self._prepared(exc or sys.exc_info()[1])
            chords.insert_dead_placeholder(session, job_id=task_id, request=None, result=result)

    def on_chord_part_return(self, request: Any, state: str, result: Any, **_: Any) -> None:  # noqa: ARG002 (Celery's)
        """Celery reports parts here that will never run; a part that ran is counted by its own finish."""
        session = current_session()
        if session is not None and isinstance(result, BaseException):
            chords.fail(self, session, group_id=request.group, part_id=request.id, error=sentence(result))

    def _store_result(
        self,
        task_id: str,
        result: Any,
        state: str,
        traceback: Any = None,  # noqa: ARG002 (Celery's)
        request: Any = None,
        **_: Any,
    ) -> None:
        job = attempt.current()
        if state in states.PROPAGATE_STATES:
            with surrounding_transaction() as session:
                chords.insert_dead_placeholder(session, job_id=task_id, request=request, result=result)
        elif job is not None and job.id == task_id:
            job.report(encode(progress_of(state=state, info=result), what="The progress"))

    def _prepared(self, exc: Any) -> Any:
        return exception(exc) if isinstance(exc, Exception) else None


def _move_on(job: attempt.RunningJob) -> None:
    """Give the job its next attempt or its replacement, in the transaction of its effects."""
    session = job.session()
    guard = apply.held_with(job_id=job.id, fence=job.fence)
    with using(session):
        if not apply.end_attempt(session, job_id=job.id, guard=guard, transition=rules.moved(job)):
            raise LeaseLost(job_id=job.id)
        session.commit()


def _await_replacement(job: attempt.RunningJob) -> None:
    """The job's id comes again at the end of the canvas that replaced it; until then its row waits."""
    session = job.session()
    guard = apply.held_with(job_id=job.id, fence=job.fence)
    waiting = {"state": State.SCHEDULED, "run_at": None, "lease_until": None, "attempt": 0}
    if session.scalar(update(Job).where(guard).values(**waiting).returning(Job.id)) is None:
        # What was accepted to replace it is forgotten with the transaction.
        job.roll_back()
        raise LeaseLost(job_id=job.id)
    session.commit()

"""The ledger as Celery's result backend: what Celery reports of a task becomes the job's state."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import structlog
from celery import states
from celery.exceptions import NotRegistered, Reject
from celery.worker import state as worker_state
from sqlalchemy import update

from app import db
from app.jobs import attempt, chords, ending, outbox, verdicts
from app.jobs.celery_states import PROGRESS, STATE_KEY
from app.jobs.encoding import encode, exception, sentence
from app.jobs.errors import LeaseLost
from app.jobs.heart import holder
from app.jobs.models import Job, State
from app.jobs.results import LedgerResults, surrounding_transaction

if TYPE_CHECKING:
    from celery.exceptions import Ignore
    from sqlalchemy.orm import Session

    from app.jobs.ending import Verdict

log = structlog.get_logger(__name__)


class LedgerBackend(LedgerResults):
    """Celery calls the `mark_as_*` methods in the worker's processes."""

    # The child's reports: it runs the job and knows its fence.

    def mark_as_done(self, task_id: str, result: Any, request: Any = None, *_: Any, **__: Any) -> None:
        job = attempt.current()
        if job is None or job.id != task_id:
            return
        if job.moved is not None:
            self._end_current(job, verdicts.moved(job), keep_effects=True)
            return
        encoded = None if getattr(request, "ignore_result", False) else encode(result)
        if request is not None and request.chord:
            chords.count_part(self.app, job.session(), group_id=request.group, part_id=task_id, result=result)
        try:
            job.finish(encoded)
        except LeaseLost as error:
            # Raising here would make Celery report a failure of a job that is another worker's now.
            log.warning("lease_lost", job_id=task_id, error=str(error))
        finally:
            attempt.end_current()

    def mark_as_retry(
        self, task_id: str, exc: Any, traceback: str | None = None, request: Any = None, *_: Any, **__: Any
    ) -> None:
        job = attempt.current()
        if job is not None and job.id == task_id:
            self._end_current(job, verdicts.moved(job, error=sentence(exc), traceback=traceback))
        else:
            # The main process cancelled it in order to stop.
            self._end_held(task_id, verdicts.released(), request)

    def mark_as_failure(
        self, task_id: str, exc: Any, traceback: str | None = None, request: Any = None, *_: Any, **__: Any
    ) -> None:
        if isinstance(exc, NotRegistered):
            # A newer release knows the task: the job stays ready until a worker of that release takes it.
            outbox.offer_later(task_id)
            return
        job = attempt.current()
        if job is not None:
            # What Celery gives is another exception where the one that was raised cannot be pickled.
            exc = sys.exc_info()[1] or exc
        verdict = verdicts.dead(sentence(exc), traceback=traceback, result=self._prepared(exc))
        if job is not None and job.id == task_id:
            self._end_current(job, verdict, request=request, exc=exc)
        elif not attempt.in_pool_child():
            self._end_lost(task_id, verdict, request, exc)

    def settle_refusal(self, job: attempt.RunningJob, refusal: Ignore | Reject) -> None:
        """End an attempt whose body raised `Ignore` or `Reject`, or replaced itself."""
        if isinstance(refusal, Reject):
            requeue = getattr(refusal, "requeue", False)
            verdict = verdicts.requeued() if requeue else verdicts.dead(sentence(refusal))
            self._end_current(job, verdict)
        elif job.moved is not None:
            self._end_current(job, verdicts.moved(job), keep_effects=True)
        elif job.replaced:
            _await_replacement(job)
        else:
            job.finish(None)

    def process_cleanup(self) -> None:
        attempt.end_current()

    def _end_current(
        self,
        job: attempt.RunningJob,
        verdict: Verdict,
        *,
        keep_effects: bool = False,
        request: Any = None,
        exc: Any = None,
    ) -> None:
        if not keep_effects:
            job.roll_back()
        session = job.session()
        guard = ending.held_with(job_id=job.id, fence=job.fence)
        with db.using(session):
            if ending.end_attempt(session, job_id=job.id, guard=guard, verdict=verdict):
                if verdict.state is State.DEAD:
                    self.after_death(session, request, exc)
                session.commit()
            else:
                log.warning("lease_lost", job_id=job.id, outcome=verdict.outcome.value)
        attempt.end_current()

    # The main process's reports: it sees children die and is told to stop; it knows job and worker.

    def mark_as_revoked(
        self, task_id: str, reason: str = "", request: Any = None, *_: Any, **__: Any
    ) -> None:
        waiting = Job.state.in_([State.SCHEDULED, State.READY])
        gone = {"state": State.CANCELLED, "error": reason, "finished_at": db.clock()}
        with db.transaction() as session:
            ids = session.scalars(
                update(Job).where(Job.id == task_id, waiting).values(**gone).returning(Job.id)
            )
            chords.call_off(session, job_ids=ids.all(), reason=reason)
        self._end_held(task_id, verdicts.cancelled(reason), request)

    def _end_lost(self, task_id: str, verdict: Verdict, request: Any, exc: Any) -> None:
        if worker_state.should_terminate:
            verdict = verdicts.released()
        elif not isinstance(exc, Reject):
            with db.reading() as session:
                job = session.get(Job, task_id)
            if job is None:
                return
            verdict = verdicts.lost(
                task=job.task,
                attempt=job.attempt,
                max_attempts=job.max_attempts,
                error=sentence(exc),
                result=verdict.result,
            )
        self._end_held(task_id, verdict, request, exc)

    def _end_held(self, task_id: str, verdict: Verdict, request: Any, exc: Any = None) -> None:
        if request is None or not request.hostname:
            return
        guard = ending.held_by(job_id=task_id, worker=holder(request.hostname))
        with db.transaction() as session:
            ended = ending.end_attempt(session, job_id=task_id, guard=guard, verdict=verdict)
            if ended and verdict.state is State.DEAD:
                self.after_death(session, request, exc)
            elif ended and verdict.state is State.CANCELLED:
                chords.call_off(session, job_ids=[task_id], reason=verdict.error or "")

    # What a death entails, in its transaction.

    def after_death(self, session: Session, request: Any, exc: Any) -> None:
        """Tell the dead job's chord, the rest of its chain, and its errbacks."""
        if request is None:
            return
        if request.chord:
            chords.fail(self, session, group_id=request.group, part_id=request.id, error=sentence(exc))
        celery: Any = super()
        celery._fail_chain(request.chain, exc)
        if request.errbacks:
            self._call_task_errbacks(request, exc, None)

    def _call_task_errbacks(self, request: Any, exc: Any, traceback: Any) -> None:
        """Celery calls some errbacks here and now; what goes wrong in one must not undo the death."""
        celery: Any = super()
        try:
            with surrounding_transaction() as session, attempt.eagerly(request.id), session.begin_nested():
                celery._call_task_errbacks(request, exc, traceback)
                # Celery swallows what an errback raises; a broken savepoint must be noticed inside of it.
                db.now(session)
        except Exception:
            log.exception("errbacks_failed", job_id=request.id)

    def fail_from_current_stack(self, task_id: str, exc: Any = None) -> None:
        """Celery reports jobs here that will not be sent because of an error elsewhere."""
        with surrounding_transaction() as session:
            result = self._prepared(exc or sys.exc_info()[1])
            chords.foretell_death(session, job_id=task_id, request=None, result=result)

    def on_chord_part_return(self, request: Any, state: str, result: Any, **_: Any) -> None:  # noqa: ARG002 (Celery's)
        """Celery reports parts here that will never run; a part that ran is counted by its own finish."""
        session = db.current_session()
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
                chords.foretell_death(session, job_id=task_id, request=request, result=result)
        elif job is not None and job.id == task_id:
            shown = result if isinstance(result, dict) else {"info": result}
            shown = shown if state == PROGRESS else {**shown, STATE_KEY: state}
            job.report(encode(shown, what="The progress"))

    def _prepared(self, exc: Any) -> Any:
        return exception(exc) if isinstance(exc, Exception) else None


def _await_replacement(job: attempt.RunningJob) -> None:
    """The job's id comes again at the end of the canvas that replaced it; until then its row waits."""
    session = job.session()
    guard = ending.held_with(job_id=job.id, fence=job.fence)
    waiting = {"state": State.SCHEDULED, "run_at": None, "lease_until": None, "attempt": 0}
    if session.scalar(update(Job).where(guard).values(**waiting).returning(Job.id)) is None:
        # What was accepted to replace it is forgotten with the transaction.
        job.roll_back()
        raise LeaseLost(job_id=job.id)
    session.commit()

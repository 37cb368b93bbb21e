"""What clients of Celery's results read from the ledger, and what is saved of groups."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from celery import states
from celery.backends.base import BaseBackend
from celery.exceptions import TaskRevokedError
from celery.exceptions import TimeoutError as TooLate
from celery.result import GroupResult, result_from_tuple
from sqlalchemy import Text, cast, select, update

from app.db.sessions import current_session, reading, transaction, using
from app.jobs.celery.celery_states import result_of, state_of
from app.jobs.celery.signatures import sealed
from app.jobs.errors import NotCommittedYet
from app.jobs.ledger import encoding
from app.jobs.ledger.models import TERMINAL, Attempt, Job, JobGroup, State
from app.jobs.ledger.names import is_name
from app.jobs.ledger.uncommitted import hides, write
from app.jobs.transitions import attempt, groups
from app.values.typed_json import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from contextlib import AbstractContextManager

    from sqlalchemy.orm import Session

#: How often `.get()` asks the ledger.
POLL_SECONDS = 0.05


class LedgerResults(BaseBackend):
    """`AsyncResult` and `GroupResult` on the ledger's rows."""

    app: Any
    persistent = True
    supports_autoexpire = True

    def apply_chord(self, header_result_args: Any, body: Any, **_: Any) -> None:
        group_id, results = header_result_args
        kept = sealed(dict(body))
        encoding.encode(kept, what="The body of the chord")  # (the ORM would say the same less clearly)
        with surrounding_transaction() as session:
            write(
                session,
                partial(
                    groups.start_chord,
                    group_id=group_id,
                    part_ids=[part.id for part in results],
                    body=kept,
                ),
            )

    def _save_group(self, group_id: str, result: GroupResult) -> GroupResult:
        with surrounding_transaction() as session:
            write(session, partial(groups.save, group_id=group_id, children=result.as_tuple()))
        return result

    def _restore_group(self, group_id: str) -> dict[str, Any] | None:
        with reading() as session:
            group = session.get(JobGroup, group_id)
        if group is None or group.children is None:
            return None
        return {"result": result_from_tuple(group.children, self.app)}

    def _delete_group(self, group_id: str) -> None:
        with surrounding_transaction() as session:
            write(session, partial(groups.forget, group_id=group_id))

    def add_to_chord(self, chord_id: str, result: Any) -> None:
        with surrounding_transaction() as session:
            write(session, partial(groups.add_part, group_id=chord_id, part_id=result.id))

    def _forget(self, task_id: str) -> None:
        """The result goes; that there was such a job stays on record."""
        with surrounding_transaction() as session:
            write(session, partial(_forget_result, job_id=task_id))

    def get_many(
        self,
        task_ids: Iterable[str],
        timeout: float | None = None,
        interval: float = POLL_SECONDS,
        no_ack: bool = True,  # noqa: ARG002 (Celery's)
        on_message: Callable[[Any], object] | None = None,
        on_interval: Callable[[], object] | None = None,
        **_: Any,
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """The results of many jobs as they end; each look is one question to the ledger."""
        waiting, began = set(task_ids), time.monotonic()
        for job_id in waiting:
            refuse_hidden(job_id)
        while True:
            for job_id in _ended(waiting):
                waiting.discard(job_id)
                meta = self.get_task_meta(job_id)
                if on_message is not None:
                    on_message(meta)
                yield job_id, meta
            if not waiting:
                return
            if timeout is not None and time.monotonic() - began >= timeout:
                raise TooLate(f"{len(waiting)} of the jobs have not ended after {timeout} s.")
            if on_interval is not None:
                on_interval()
            time.sleep(min(interval or POLL_SECONDS, POLL_SECONDS))

    def _get_task_meta_for(self, task_id: str) -> dict[str, Any]:
        with reading() as session:
            job = session.get(Job, task_id) if is_name(task_id) else None
            if job is None:
                return {"task_id": task_id, "status": states.PENDING, "result": None}
            last = select(Attempt.traceback).where(Attempt.job_id == task_id)
            last = last.order_by(Attempt.fence.desc()).limit(1)
            children = children_of(session, job) if job.state in TERMINAL else []
            traceback = session.execute(last).scalar() if job.state == State.DEAD else None
        meta = {
            "task_id": task_id,
            "status": state_of(job),
            "result": result_of(job),
            "traceback": traceback,
            "children": children,
            "date_done": job.finished_at,
            "name": job.task,
            "queue": job.queue,
        }
        if job.state == State.CANCELLED:
            return {**meta, "result": TaskRevokedError(job.error)}
        return dict(self.meta_from_decoded(meta))

    def prepare_exception(self, exc: BaseException, serializer: str | None = None) -> Any:
        """An exception as the ledger keeps it, whatever it holds; as one for the worker's main process."""
        if serializer == "pickle" and isinstance(exc, Exception):
            return super().prepare_exception(exc, serializer)
        return encoding.exception(exc)

    def wait_for(
        self,
        task_id: str,
        timeout: float | None = None,
        interval: float = POLL_SECONDS,
        *_: Any,
        **options: Any,
    ) -> Any:
        refuse_hidden(task_id)
        nap = min(interval, POLL_SECONDS)
        return super().wait_for(task_id, timeout=timeout, interval=nap, **options)


def _ended(job_ids: Collection[str]) -> list[str]:
    with reading() as session:
        ended = select(Job.id).where(Job.id.in_(job_ids), Job.state.in_(TERMINAL))
        return list(session.scalars(ended.order_by(Job.finished_at)))


def children_of(session: Session, job: Job) -> list[Any]:
    """What the job's last attempt queued, as Celery writes results; found by the time in which that was."""
    if job.started_at is None or job.finished_at is None:
        return []
    # PostgreSQL reads no JSON that holds half a surrogate pair, as a later link's arguments may.
    naming = cast(Job.options, Text).contains(to_json(job.id), autoescape=True)
    queued = select(Job.id, Job.options).where(
        Job.accepted_at.between(job.started_at, job.finished_at), Job.options.is_not(None), naming
    )
    found = session.execute(queued.order_by(Job.accepted_at, Job.id))
    return [((row.id, None), None) for row in found if row.options.get("parent_id") == job.id]


def _forget_result(session: Session, *, job_id: str) -> None:
    session.execute(update(Job).where(Job.id == job_id, Job.state.in_(TERMINAL)).values(result=None))


def refuse_hidden(job_id: str) -> None:
    """Raise where waiting for the job would keep from the ledger what it waits for."""
    job, surrounding = attempt.current(), current_session()
    if (job is not None and job.hides(job_id)) or (surrounding is not None and hides(surrounding, job_id)):
        raise NotCommittedYet(job_id=job_id)


def surrounding_transaction() -> AbstractContextManager[Session]:
    """The surrounding transaction, else that of the running job, else one of its own."""
    job = attempt.current()
    session = current_session() or (job.session() if job else None)
    return using(session) if session is not None else transaction()

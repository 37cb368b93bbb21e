"""The worker's sign of life: renews the leases of what it runs, and gives back what it leaves unfinished."""

from __future__ import annotations

import atexit
import os
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from celery import signals
from sqlalchemy import delete, select

from app.db import outages
from app.db.clock import clock
from app.db.engine import CONNECT_TIMEOUT
from app.db.sessions import transaction
from app.db.upsert import insert_or_update
from app.jobs.celery import compat, forks
from app.jobs.ledger import store
from app.jobs.ledger.models import Job, State, Worker
from app.jobs.transitions import apply, deferred_ends, rules
from app.logs.failures import first_line
from app.processes.repeating_thread import RepeatingThread
from app.processes.worker_names import without_generation
from app.settings.config import settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

log = structlog.get_logger(__name__)

#: New with every start and inherited by the pool's children: a restarted worker holds none of the old leases.
_START = secrets.token_hex(4)
#: Rows of workers that ended without a word, on hosts that are no more, are kept for so many leases.
GONE_AFTER_LEASES = 3
#: After a beat that failed.
RETRY = timedelta(seconds=1)


@signals.celeryd_init.connect
def _begin_anew(**_: object) -> None:
    """Before the pool starts: what is forked off a process that had imported this is a start of its own."""
    global _START
    _START = secrets.token_hex(4)


def holder(hostname: str) -> str:
    """The name under which the worker on this node, since this start, holds leases."""
    return f"{hostname}#{_START}"


_HEARTBEAT: Heartbeat | None = None


class Heartbeat(RepeatingThread):
    """Beats in a thread of the main process, because Celery's event loop stands still while it reconnects."""

    def __init__(self, *, hostname: str, concurrency: int) -> None:
        super().__init__(name="heartbeat")
        self._hostname = hostname
        self._concurrency = concurrency
        self._signed_off = False
        deferred_ends.listen(self.wake)

    def work(self) -> None:
        """Beat, while nothing forks."""
        with forks.at_work:
            try:
                self.beat()
                deferred_ends.write_waiting()
            finally:
                # Only this thread could close it, and a child must not inherit it.
                store.close()

    def pause(self) -> float:
        """Short while leases could not be renewed: others end them soon after the database is back."""
        if self.fails or deferred_ends.is_any_waiting():
            return RETRY.total_seconds()
        return settings().lease_seconds / 3

    def beat(self) -> None:
        """Renew the leases of the running jobs, and the worker's own row; rows of the gone go."""
        name = holder(self._hostname)
        running = [request.id for request in compat.running_requests()]
        if running:
            store.extend(store.connection(), ids=running, worker=name)
        with transaction() as session:
            if self._signed_off:
                session.execute(delete(Worker).where(Worker.name == name))
            else:
                self._sign(session, name)

    def _sign(self, session: Session, name: str) -> None:
        statement = insert_or_update(session, Worker).values(
            name=name,
            node=without_generation(self._hostname),
            release=settings().release,
            concurrency=self._concurrency,
            started_at=clock(),
            seen_at=clock(),
        )
        session.execute(
            statement.on_conflict_do_update(index_elements=[Worker.name], set_={"seen_at": clock()})
        )
        # Nobody else has this name while this worker lives; others of the node may be taking over from it.
        namesake = Worker.name.startswith(holder(self._hostname).removesuffix(_START), autoescape=True)
        gone = Worker.seen_at < clock(-GONE_AFTER_LEASES * settings().lease_seconds)
        session.execute(delete(Worker).where(Worker.name != name, namesake | gone))

    def sign_off(self) -> None:
        """Sign off, and go on keeping the leases."""
        self._signed_off = True
        self.wake()

    def stop(self) -> None:
        """End the thread, give back what is still held, and sign off."""
        self.end()
        self.join(timeout=CONNECT_TIMEOUT.total_seconds())
        try:
            release_jobs(worker=holder(self._hostname))
        except outages.ERRORS as error:
            log.warning("leases_not_given_back", error=first_line(error), remedy="they end by themselves")


def release_jobs(*, worker: str) -> None:
    """Release every job that `worker` still holds, and forget the worker."""
    with transaction() as session:
        held = session.scalars(select(Job.id).where(Job.worker == worker, Job.state == State.RUNNING))
        for job_id in held.all():
            guard = apply.held_by(job_id=job_id, worker=worker)
            apply.end_attempt(session, job_id=job_id, guard=guard, transition=rules.released())
            log.info("job_given_back", job_id=job_id)
        session.execute(delete(Worker).where(Worker.name == worker))


@signals.worker_ready.connect
def _start(sender: Any, **_: object) -> None:
    global _HEARTBEAT
    _HEARTBEAT = Heartbeat(hostname=sender.hostname, concurrency=sender.controller.concurrency)
    _HEARTBEAT.start()
    # Celery announces its end only when it stops warmly. At exit the pool is gone, either way.
    atexit.register(_stop, _HEARTBEAT, os.getpid())
    log.info("worker_ready", node=sender.hostname)


def sign_off() -> None:
    """Sign this process's worker off: from now on it only keeps the leases of what it still runs."""
    if _HEARTBEAT is not None:
        _HEARTBEAT.sign_off()


def is_stuck() -> bool:
    """Whether this process's leases have long ended, because nothing renews them any more."""
    return _HEARTBEAT is not None and _HEARTBEAT.is_stuck(after=GONE_AFTER_LEASES * settings().lease_seconds)


def _stop(heartbeat_thread: Heartbeat, pid: int) -> None:
    if os.getpid() == pid:
        heartbeat_thread.stop()

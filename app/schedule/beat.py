"""Beat: Celery's scheduler, which fires the schedules of the ledger."""

from __future__ import annotations

import atexit
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from celery.beat import Scheduler
from sqlalchemy.exc import SQLAlchemyError

from app import freeze_loaded
from app.db import outages
from app.db.continuity import Continuity
from app.db.engine import engine
from app.db.pruning import BATCH, kept_since
from app.db.sessions import transaction
from app.jobs import unique
from app.jobs.publish import admission
from app.jobs.transitions import lost_workers, recover, rollup
from app.jobs.transitions.sampling import Sampler
from app.logs.failures import first_line
from app.processes.systemd_notify import ALIVE, notify
from app.schedule import history
from app.schedule.defaults import seed
from app.schedule.due import look
from app.schedule.fire import fire_due
from app.schedule.leader import BEAT, TERM, holder_here, lead, resign
from app.schedule.stopping import StopPostponed, stops_ignored
from app.settings.config import settings
from app.settings.sources import ConfigError
from app.topology import Queue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

log = structlog.get_logger(__name__)

TICK = timedelta(seconds=0.5)
#: While jobs are held for their turn, it looks this often whether there is room for one.
ADMISSION = timedelta(seconds=0.1)
#: How long a tick may go on with that when there are a great many partitions.
ADMITTING = timedelta(seconds=1)
#: A standby looks this often whether it is needed, and so does a leader whose database is away.
STANDBY = timedelta(seconds=3)
ROLL_UP = timedelta(seconds=5)
PRUNE = timedelta(minutes=10)
#: It goes on for so long at once, and where there is more after so long again: as much as jobs are done in a
#: day has to be forgotten in one, and the other steps have to have their turns.
PRUNING, PRUNE_AGAIN = timedelta(seconds=1), timedelta(seconds=5)
#: What tasks declare is looked at when this beat begins to lead, and in case an edit by hand took a row away.
SEED = timedelta(minutes=10)
#: Within this after the database came back, every worker has renewed its leases, and said that it lives.
RENEWAL = timedelta(seconds=15)


class ScheduleElsewhere(ConfigError):
    """Raised at the start for schedules that would never fire."""

    code = "schedule_elsewhere"

    def __init__(self, *, names: Sequence[str]) -> None:
        super().__init__(
            f"Refusing to start: {', '.join(names)} would never fire. Beat reads neither `beat_schedule` nor "
            "what `add_periodic_task()` adds. Put the schedule on each task instead: "
            '@task(schedule=cron("0 3 * * *")) or @task(schedule=every(timedelta(minutes=5))).'
        )


class LedgerScheduler(Scheduler):
    """Ticks twice a second while it leads: fires schedules, promotes due jobs, finds what was lost."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._holder = holder_here()
        self._leads = False
        self._last: dict[str, float] = {}
        self._until_pruned = PRUNE
        self._continuity = Continuity(engine())
        self._admission = admission.Round()
        self._sampler = Sampler()
        super().__init__(*args, **kwargs)
        freeze_loaded()
        # Starting may take long on a busy host; the time for the first tick begins now.
        notify(ALIVE)
        # Not in `close`, which Celery calls from the signal's handler.
        atexit.register(self._resign)

    def setup_schedule(self) -> None:
        """Nothing to load: schedules are declared on tasks, their memory is in the database."""
        self.app.finalize()
        if self.app.conf.beat_schedule:
            raise ScheduleElsewhere(names=sorted(map(str, self.app.conf.beat_schedule)))

    def tick(self, *_: Any, **__: Any) -> float:
        """Do what is due; the answer is how many seconds to sleep."""
        with StopPostponed():
            try:
                return self._tick()
            finally:
                # After the tick: one that does not come back is what systemd has to notice.
                notify(ALIVE)

    def _tick(self) -> float:
        try:
            if not self._lead():
                return STANDBY.total_seconds()
            if self._admission.is_over or self._is_time("work", TICK):
                self._work()
            else:
                _step(self._admit)
        except Exception as error:
            # Whatever goes wrong in one tick, the clock must not stand still for it.
            if outages.is_away(error):
                self._continuity.failed()
                # It may answer and take no writes, without which no worker can say that it lives.
                self._last.pop("lead", None)
            if outages.is_transient(error):
                log.error("beat_tick_failed", error=first_line(error))
            else:
                log.exception("beat_tick_failed")
            return STANDBY.total_seconds()
        return (TICK if self._admission.is_over else ADMISSION).total_seconds()

    def _lead(self) -> bool:
        if self._leads and not self._is_time("lead", TERM / 3):
            return True
        leads = lead(BEAT, holder=self._holder)
        if leads != self._leads:
            log.info("beat_leads" if leads else "beat_stands_by", holder=self._holder)
            self._last.pop("seed", None)
        self._leads = leads
        return leads

    def _work(self) -> None:
        if self._is_time("seed", SEED):
            _step(_seed)
        recovers = self._is_time("recover", timedelta(seconds=settings().recover_seconds))
        due = look()
        self._continuity.compare(due.now)
        if due.schedules:
            _step(fire_due)
        if due.scheduled:
            _step(recover.promote_due)
        if due.silent and self._has_answered():
            _step(lost_workers.end_silent)
        if recovers:
            if self._has_answered():
                _step(recover.end_leases)
            _step(recover.end_expired)
        if due.scheduled or due.waiting or recovers:
            _step(lambda: _publish(lost=recovers))
        if due.held or not self._admission.is_over:
            _step(self._admit)
        if self._is_time("roll_up", ROLL_UP):
            _step(_roll_up)
            _step(_settle)
        if self._sampler.is_due:
            _step(self._sampler.take)
        if self._is_time("prune", self._until_pruned):
            _step(self._prune)

    def _prune(self) -> None:
        self._until_pruned = PRUNE if _prune() else PRUNE_AGAIN

    def _admit(self) -> None:
        self._admission.go_on(for_=ADMITTING)

    def _has_answered(self) -> bool:
        """Workers that could not write while the database was away come first."""
        return self._continuity.lasts(seconds=min(RENEWAL.total_seconds(), settings().lease_seconds))

    def _is_time(self, name: str, interval: timedelta) -> bool:
        now = time.monotonic()
        if now - self._last.get(name, -interval.total_seconds()) < interval.total_seconds():
            return False
        self._last[name] = now
        return True

    def _resign(self) -> None:
        """Let a standby take over at once."""
        if self._leads:
            try:
                with stops_ignored():
                    resign(BEAT, holder=self._holder)
            except SQLAlchemyError as error:
                log.warning("beat_not_resigned", error=str(error), remedy="its term ends by itself")

    @property
    def info(self) -> str:
        return f"    . ledger -> {settings().release}"


def _step(work: Callable[[], object]) -> None:
    """Do one part of a tick; whatever is wrong in it must not keep the others from being done."""
    try:
        work()
    except Exception as error:
        if outages.is_transient(error):
            raise
        log.exception("beat_step_failed")


def _publish(*, lost: bool) -> None:
    if not recover.is_any_ready():
        # Whether the broker is there is said all the same, by one list in place of all.
        recover.broker_lists([Queue.DEFAULT])
        return
    lists = recover.broker_lists() or []
    _step(lambda: recover.publish_waiting(lists))
    if lost:
        _step(lambda: recover.republish_lost(lists))


def _seed() -> None:
    with transaction() as session:
        seed(session)


def _settle() -> None:
    with transaction() as session:
        history.settle(session)


def _roll_up() -> None:
    with transaction() as session:
        rollup.roll_up(session)


def _prune() -> bool:
    """Forget finished jobs, a batch a transaction, for a while; whether none is left."""
    until = time.monotonic() + PRUNING.total_seconds()
    while time.monotonic() < until:
        with transaction() as session:
            since = kept_since(session)
            if (
                rollup.prune(session, before=since) < rollup.PRUNE_BATCH
                and history.forget(session, before=since) < BATCH
                and unique.prune(session, limit=BATCH) < BATCH
            ):
                return True
    return False

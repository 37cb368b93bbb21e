"""The thread of the monitor, in the main process of each worker and in beat."""

from __future__ import annotations

import atexit
import os
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from celery import signals

from app.db import outages
from app.db.sessions import reading, transaction
from app.health.bounded import NoAnswer, within
from app.health.checks import looks
from app.health.checks.looks import CHECKS
from app.health.checks.service import look_of
from app.health.doctor.carrying_out import failed
from app.health.monitor.lasting import Lasting
from app.health.monitor.outage import KIND, Outage
from app.health.releases import service as releases
from app.jobs.broker.current import broker
from app.jobs.celery import forks
from app.outbound.alerts import process, service
from app.outbound.alerts.look import Look, Problem
from app.processes.repeating_thread import RepeatingThread
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.health.checks.check import Found
    from app.outbound.alerts.telling import Told

EVERY = timedelta(seconds=10)
#: A database that takes longer to answer a few questions is away.
TIMEOUT = timedelta(seconds=15)
DISK_TIMEOUT = timedelta(seconds=5)
UNSEEN = Problem(sentence="The database was away.")
_BY_KIND = {check.kind: check for check in CHECKS}


class Monitor(RepeatingThread):
    """Looks every few seconds, and alerts at once: by itself, because workers may be what is gone."""

    def __init__(self, *, of_ledger: bool = False) -> None:
        super().__init__(name="monitor")
        #: Whether it also looks at what need not be looked at in each process.
        self._of_ledger = of_ledger
        self._lasting = Lasting()
        self._outage = Outage()
        self._problem = UNSEEN

    def pause(self) -> float:
        """No longer than what is to be noticed lasts."""
        return float(min(EVERY.total_seconds(), max(settings().alert_after_seconds, 1)))

    def work(self) -> None:
        """Look at everything once."""
        away = self._see_database()
        lasting = self._lasting.of(Look(kind=KIND, problems={"": away} if away else {}))
        if away is None:
            return
        self._problem = away
        if lasting.problems:
            self._outage.tell(away)

    def _see_database(self) -> Problem | None:
        """What is wrong with the database; None when it answers, and all else was looked at with it."""
        seen = (_of_host("disk", looks.disk), _of_host("backup", looks.recent_backup), _broker())
        here = [self._lasting.of(look) for look in seen if look is not None]
        try:
            told = within(TIMEOUT, partial(self._look, here), name="the database")
        except Exception as error:
            if not isinstance(error, NoAnswer) and not outages.is_transient(error):
                raise
            finding = failed(error, about=KIND)
            return Problem(sentence=finding.sentence, fix=finding.fix)
        process.send_recorded(told)
        return None

    def _look(self, here: Sequence[Look]) -> list[Told]:
        """What is to be sent now. Nothing forks meanwhile: a child must not inherit what is half done."""
        with forks.at_work:
            seen = _services()
            if self._of_ledger:
                releases.note()
                seen.append(_overdue())
            found = [*here, *(self._lasting.of(look) for look in seen), Look(kind=KIND)]
            self._note_outage()
            with reading() as session:
                if not service.is_news(session, found):
                    return []
            with transaction() as session:
                return service.take(session, found, direct=True)

    def _note_outage(self) -> None:
        since = self._outage.over()
        if since is not None:
            with transaction() as session:
                service.note_outage(session, KIND, self._problem, since=since)
        self._outage.forget()


def _services() -> list[Look]:
    """What the database says of the services."""
    seen = (("workers", looks.workers), ("beat", looks.beat), ("schedules", looks.schedules))
    return [look_of(_BY_KIND[kind], look()) for kind, look in seen]


def _overdue() -> Look:
    """Whether jobs wait that nobody brings forward."""
    return look_of(_BY_KIND["overdue"], looks.overdue())


def _of_host(kind: str, look: Callable[[], Found]) -> Look | None:
    """What this host alone can say; None where its disk does not answer."""
    try:
        return look_of(_BY_KIND[kind], within(DISK_TIMEOUT, look, name=f"the disk, asked about {kind}"))
    except NoAnswer:
        return None


def _broker() -> Look:
    """Whether the broker answers this process."""
    kind = broker().kind
    try:
        broker().ping()
    except broker().failures as error:
        finding = failed(error, about=kind)
        return Look(kind=kind, problems={"": Problem(sentence=finding.sentence, fix=finding.fix)})
    return Look(kind=kind)


def begin(**_: object) -> None:
    """Watch from now on, until this process ends."""
    _begin(Monitor())


def begin_in_beat(**_: object) -> None:
    """Watch from now on, in a process of which there are few."""
    _begin(Monitor(of_ledger=True))


def _begin(monitor: Monitor) -> None:
    monitor.start()
    atexit.register(_end, monitor, os.getpid())


def _end(monitor: Monitor, pid: int) -> None:
    # Processes of a pool inherit this.
    if os.getpid() == pid:
        monitor.end()


def add_monitor() -> None:
    """Have each worker and each beat watch."""
    signals.worker_ready.connect(begin)
    signals.beat_init.connect(begin_in_beat)

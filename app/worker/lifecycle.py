"""What a worker does besides running tasks: it says when it consumes, and hears when it is to end."""

from __future__ import annotations

import atexit
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from celery import concurrency, signals
from click import Option
from sqlalchemy.orm import configure_mappers

from app import freeze_loaded
from app.jobs.celery import heartbeat
from app.jobs.celery.batches.step import ClaimAhead
from app.jobs.quarantine import quarantine
from app.jobs.transitions import unreadable
from app.processes.pidfile import release_pidfile, write_pidfile
from app.processes.worker_names import generation_of
from app.topology import Kind
from app.worker import job_log
from app.worker.drain import Drain
from app.worker.generations import GenerationLock
from app.worker.last_resort import LastResort
from app.worker.watchdog import Pulse, Watchdog

if TYPE_CHECKING:
    from celery import Celery

#: What `groundwork worker` tells Celery's worker beyond Celery's own options.
OPTIONS = (
    Option(["--announce"], type=Path, help="Pidfile, written once the worker consumes."),
    Option(["--in-background"], is_flag=True, help="Close standard error once the worker is set up."),
)


def add_lifecycle(app: Celery) -> None:
    """Give the workers of `app` their lifecycle."""
    kinds: Any = concurrency
    kinds.ALIASES[Kind.THREADS] = "app.worker.pools.threads:Threads"
    user_options: Any = app.user_options
    user_options["worker"].update(OPTIONS)
    app.steps["consumer"].add(Pulse)
    app.steps["consumer"].add(ClaimAhead)
    signals.celeryd_after_setup.connect(_detach_stderr)
    signals.celeryd_after_setup.connect(_announce)
    signals.celeryd_after_setup.connect(job_log.begin)
    signals.worker_process_shutdown.connect(job_log.end)
    signals.celeryd_after_setup.connect(_freeze_loaded)
    signals.celeryd_after_setup.connect(_count_quarantined_attempts)
    signals.celeryd_after_setup.connect(_bound_shutdown)
    signals.worker_ready.connect(_begin)


def _detach_stderr(instance: Any, **_: Any) -> None:
    """Whoever started this worker reads its standard error until here; what goes wrong now is logged.

    It happens before the pool starts, whose processes would keep the other end open.
    """
    if instance.options.get("in_background"):
        os.dup2(1, 2)


def _announce(instance: Any, **_: Any) -> None:
    """From here on others know of this worker."""
    pidfile: Path | None = instance.options.get("announce")
    if pidfile is not None:
        life = GenerationLock(pidfile, generation=generation_of(instance.hostname))
        # Kept open by this, too.
        atexit.register(_release_generation, os.getpid(), life)


def _freeze_loaded(**_: Any) -> None:
    """Before the pool starts, whose processes inherit it."""
    configure_mappers()
    freeze_loaded()


def _count_quarantined_attempts(**_: Any) -> None:
    quarantine.tell(unreadable.count_attempt)


def _bound_shutdown(instance: Any, **_: Any) -> None:
    """It may be told to stop before it was ever connected, and then Celery hears it."""
    instance.last_resort = last_resort = LastResort()

    def hear(how: str, **_: Any) -> None:
        if how == "Cold":
            last_resort.tell()

    signals.worker_shutting_down.connect(hear, weak=False)
    atexit.register(last_resort.cancel)
    last_resort.start()


def _begin(sender: Any, **_: Any) -> None:
    pidfile: Path | None = sender.controller.options.get("announce")
    watchdog = Watchdog(is_stuck=heartbeat.is_stuck)

    def sign_off() -> None:
        watchdog.end()
        heartbeat.sign_off()

    generation = generation_of(sender.hostname)
    drain = Drain(
        sender,
        pidfile=pidfile,
        generation=generation,
        on_drain=sign_off,
        on_end=sender.controller.last_resort.tell,
    )
    drain.listen()
    watchdog.start()
    if pidfile is not None:
        write_pidfile(pidfile)
    atexit.register(_end, os.getpid(), drain, pidfile)


def _end(pid: int, drain: Drain, pidfile: Path | None) -> None:
    # Processes of the pool inherit this.
    if os.getpid() != pid:
        return
    drain.wait_for_peers()
    if pidfile is not None:
        release_pidfile(pidfile)


def _release_generation(pid: int, life: GenerationLock) -> None:
    if os.getpid() == pid:
        life.end()

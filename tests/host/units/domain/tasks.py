"""Tasks that take a given time, talk, and a command that makes a worker stand still."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import Any

import structlog
from celery.worker.control import control_command

from app.jobs.celery.task import task

log = structlog.get_logger("units")
STATE = Path("/var/lib/groundwork/units-test")


@task()
def nap(name: str, seconds: float) -> None:
    """Take `seconds`, and write down the begin and the end."""
    with STATE.open("a") as lines:
        lines.write(f"{name} begins\n")
    time.sleep(seconds)
    with STATE.open("a") as lines:
        lines.write(f"{name} ends\n")


@task()
def talk(first: int, count: int) -> None:
    """Log `count` numbers from `first` on, for some seconds."""
    for number in range(first, first + count):
        log.info("numbered", number=number)
        time.sleep(0.001)


@control_command(name="wedge")
def wedge(state: Any) -> None:
    """Stop the event loop for good, as a deadlock over a lock of the logging would."""
    lock = logging.getLogger().handlers[0].lock
    assert lock is not None
    held = threading.Event()

    def hold() -> None:
        lock.acquire()
        held.set()
        threading.Event().wait()

    threading.Thread(target=hold, daemon=True).start()
    held.wait()
    log.info("never_said")

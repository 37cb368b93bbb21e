"""A task whose process may outlive its worker."""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path
from typing import Any

from sqlalchemy import text

from app.db.sessions import reading
from app.jobs.celery.task import task
from app.jobs.transitions.attempt import job_session

PR_SET_PDEATHSIG = 1


@task(bind=True)
def write_when_told(self: Any, path: str, *, survives: bool = False) -> None:
    """Say which attempt this is (`PATH.1`, `PATH.2` ...); write once there is `PATH` or `PATH.go1` ..."""
    number = self.request.retries + 1
    if survives:
        # Celery's children are ended with the process that forked them.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, 0)
    told = Path(f"{path}.{number}.new")
    told.write_text(str(os.getpid()))
    told.rename(f"{path}.{number}")
    while not Path(path).exists() and not Path(f"{path}.go{number}").exists():
        time.sleep(0.02)
    row = {"name": f"{path} {number}"}
    job_session().execute(text("INSERT INTO effect (name) VALUES (:name)"), row)


def written(path: str) -> list[str]:
    """The attempts whose effects are there."""
    names = text("SELECT name FROM effect WHERE name LIKE :like")
    with reading() as session:
        found = session.scalars(names, {"like": f"{path} %"}).all()
    return [name.rpartition(" ")[2] for name in found]

"""Tasks of the rehearsals."""

from __future__ import annotations

import time

from sqlalchemy import text

from app.jobs.celery.task import task
from app.jobs.transitions.attempt import job_session
from app.topology import Queue

EFFECT = text("INSERT INTO rehearsal_effect (name) VALUES (:name)")


@task(public=True)
def nap(name: str, seconds: float) -> float:
    """Take `seconds`, then leave a row."""
    began = time.monotonic()
    while (left := began + seconds - time.monotonic()) > 0:
        time.sleep(min(left, 0.2))
    job_session().execute(EFFECT, {"name": name})
    return seconds


@task(public=True, queue=Queue.ANALYTICS)
def nap_in_bulk(name: str, seconds: float) -> float:
    """As `nap`, in the other pool."""
    return float(nap.run(name, seconds))


@task(public=True, queue=Queue.MAINTENANCE)
def note(name: str) -> None:
    """Leave a row at once."""
    job_session().execute(EFFECT, {"name": name})


@task(public=True, queue=Queue.MAINTENANCE, sensitive=("secret",))
def whisper(name: str, secret: str) -> int:
    """Leave a row; the job knows how long the secret is, and nobody else may read it."""
    job_session().execute(EFFECT, {"name": name})
    return len(secret)

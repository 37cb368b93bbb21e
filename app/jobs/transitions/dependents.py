"""Those who wait for a job: told, in the transaction of its end, that it will not be done.

Who waits is known to the canvas (chains and chords), not to the ledger; whoever brings one registers it here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.jobs.ledger.models import Job


class Canvas(Protocol):
    """What passes the end of a job on."""

    def fail_dependents(self, session: Session, *, job: Job, error: Exception) -> None:
        """Fail what waits for a job that is dead."""

    def cancel_dependents(self, session: Session, *, job_ids: Sequence[str], reason: str) -> None:
        """Fail what waits for jobs that were cancelled."""


class NoCanvas(RuntimeError):
    """Raised where a job ends and nobody could tell those who wait for it."""

    def __init__(self) -> None:
        super().__init__(
            "Nothing passes the ends of jobs on to those who wait for them. Import "
            "app.jobs.celery.application before jobs are cancelled or recovered."
        )


_REGISTERED: list[Canvas] = []


def register(canvas: Canvas) -> None:
    """Have `canvas` told of each job that will not be done; it takes the place of the one before."""
    _REGISTERED[:] = [canvas]


def fail_dependents(session: Session, *, job: Job, error: Exception) -> None:
    """Fail what waits for a job that is dead. Raises `NoCanvas`."""
    _canvas().fail_dependents(session, job=job, error=error)


def cancel_dependents(session: Session, *, job_ids: Sequence[str], reason: str) -> None:
    """Fail what waits for jobs that were cancelled: they will not be done, so it cannot be either."""
    _canvas().cancel_dependents(session, job_ids=job_ids, reason=reason)


def _canvas() -> Canvas:
    if not _REGISTERED:
        raise NoCanvas
    return _REGISTERED[0]

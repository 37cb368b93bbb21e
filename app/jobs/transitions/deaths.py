"""Tells whoever listens in this process of jobs that recovery ends: no attempt is left that could."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.jobs.ledger.models import Job

log = structlog.get_logger(__name__)


class Death(NamedTuple):
    """A job that is dead, and why; its arguments are as the ledger has them."""

    job_id: str
    task: str
    attempt: int
    error: str
    args: Any
    kwargs: Any
    context: Any

    @classmethod
    def of(cls, job: Job, *, error: str) -> Self:
        """That of a row, which may change later."""
        return cls(job.id, job.task, job.attempt, error, job.args, job.kwargs, job.context)


_listeners: list[Callable[[Death], None]] = []


def listen(listener: Callable[[Death], None]) -> None:
    """Have it called after each death that is written down."""
    if listener not in _listeners:
        _listeners.append(listener)


def tell(death: Death) -> None:
    """Call all; what goes wrong with one keeps no job from being recovered."""
    for listener in _listeners:
        try:
            listener(death)
        except Exception:
            log.exception("death_not_told", job_id=death.job_id)

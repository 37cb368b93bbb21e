"""What somebody may do with a job, and the version of it that a form was made for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.jobs.declaration import registry
from app.jobs.ledger.models import State
from app.jobs.scopes import RETRY, WRITE
from app.jobs.service import REVIVABLE
from app.jobs.web import permissions

if TYPE_CHECKING:
    from app.jobs.ledger.models import Job
    from app.tokens.callers import Caller

#: Each change of state changes one of them.
_CHANGING = ("state", "attempt", "run_at", "started_at", "finished_at")


@dataclass(frozen=True, kw_only=True)
class Rights:
    """Which buttons somebody has for a job."""

    version: str
    may_retry: bool
    may_cancel: bool
    may_run_again: bool


def version_of(job: Any) -> str:
    """A short text that is another once the job has moved on; `job` is its row, whole or as in a list."""
    seen = [str(getattr(job, name)) for name in _CHANGING]
    return hashlib.sha256("|".join(seen).encode()).hexdigest()[:16]


def rights_of(job: Job, *, caller: Caller) -> Rights:
    """What `caller` may do with `job` as it is now."""
    reaches = permissions.missing_scope(job.task, caller=caller) is None
    return Rights(
        version=version_of(job),
        may_retry=reaches and caller.may(RETRY) and job.state in REVIVABLE and job.run_at is not None,
        may_cancel=reaches and caller.may(WRITE) and not State(job.state).is_terminal,
        may_run_again=may_run_again(job.task, caller=caller),
    )


def may_run_again(task: str, *, caller: Caller) -> bool:
    """Whether `caller` may give a job of `task` other arguments: they see them, and may submit such jobs."""
    spec = registry.find(task)
    if spec is None or not spec.durable or not (spec.public or caller.only_user is None):
        return False
    return caller.may(WRITE) and permissions.hidden_without(task, caller=caller) is None

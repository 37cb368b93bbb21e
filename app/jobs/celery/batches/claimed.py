"""A job that the worker's main process has claimed, on its way to the child that runs it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from app.jobs.celery import compat
from app.jobs.ledger import store
from app.jobs.transitions import attempt
from app.settings.config import settings

if TYPE_CHECKING:
    from app.jobs.transitions.attempt import RunningJob

#: Where a child finds the claim; what a message brings under this name is not passed on.
HEADER = "groundwork_claim"
#: A child begins what was claimed longer ago, or a part of a lease ago, only if the claim still holds: its
#: worker may have stood still, and the job be another's.
TRUSTED_FOR, TRUSTED_PART = timedelta(seconds=5), 4


@dataclass(slots=True, kw_only=True, eq=False)
class Fetched:
    """A message that the worker has taken from the broker and not yet handed to a child."""

    id: str
    attempt: int
    document: Any
    queue: str
    #: The list of the broker that it came from.
    place: str
    raw: bytes
    #: Whether the ledger knows it. Of another the broker keeps a copy.
    is_ledgered: bool = True
    claim: store.Claim | None = None
    #: When it was asked for (monotonic time).
    claimed_at: float = 0.0
    #: When it was first asked for without an answer, which may have been lost on its way.
    asked_at: float | None = None
    #: What is wrong with it, once that is known.
    problem: str | None = None
    #: Whether it was cancelled meanwhile.
    is_cancelled: bool = False

    @property
    def handed(self) -> tuple[Any, ...]:
        """What a child is told."""
        assert self.claim is not None  # noqa: S101 (narrows the type)
        return *self.claim[1:], self.claimed_at


def begin(request: Any, *, worker: str) -> RunningJob | None:
    """Begin the job of a request in a child; None when it is not to be run by this message."""
    given = request.get(HEADER)
    if given is None:
        return attempt.begin(job_id=request.id, attempt=request.retries or 0, worker=worker, request=request)
    *claim, claimed_at = given
    trusted = min(TRUSTED_FOR, timedelta(seconds=settings().lease_seconds / TRUSTED_PART))
    return attempt.resume(store.Claim(request.id, *claim), since=claimed_at, trusted=trusted, request=request)


def trace(*args: Any, **options: Any) -> tuple[int, Any, float]:
    """As Celery's; a finish that the child leaves to its main process is in the place of the result."""
    traced = None
    try:
        traced = compat.trace_task(*args, **options)
    finally:
        # What came after it, such as a time limit, has no say any more.
        left = left_of(traced)
        if left is not None:
            return left  # noqa: B012 (see above)
    return traced


def left_of(traced: tuple[int, Any, float] | None) -> tuple[int, Any, float] | None:
    """What to tell of a job that left its finish; `traced` is None where it was interrupted after that."""
    left = attempt.take_left()
    if left is None:
        return None
    failed, shown, seconds = traced or (1, None, 0.0)
    return 0, left if failed else left._replace(shown=shown), seconds or 0.0

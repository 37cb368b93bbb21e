"""What the children of a worker were given of the jobs that it had claimed."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.jobs.celery.batches.claimed import Fetched

#: What has not begun after this is with no child any more, or with one that will ask whether the claim still
#: holds (`claimed.TRUSTED_FOR`).
LOST_AFTER = timedelta(seconds=10)
#: A job that runs for longer is noted to have begun when it did, and not when it was claimed.
NOTED_AFTER = timedelta(milliseconds=200)


class Given:
    """By the ids of the jobs; times are monotonic."""

    def __init__(self) -> None:
        self._not_begun: dict[str, tuple[Fetched, float]] = {}
        #: With their fences; those of whose beginning nobody was told yet.
        self._begun: dict[str, tuple[int, float]] = {}
        self._late: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._not_begun or self._begun)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._not_begun

    def ids(self) -> list[str]:
        """What has not begun."""
        return [*self._not_begun]

    def add(self, fetched: Fetched) -> None:
        """A child is given this."""
        self._not_begun[fetched.id] = fetched, time.monotonic()

    def begin(self, job_id: str, *, at: float) -> None:
        """A child has begun it."""
        given = self._not_begun.pop(job_id, None)
        if given is not None and given[0].claim is not None:
            self._begun[job_id] = given[0].claim.fence, at

    def remove(self, job_id: str) -> None:
        """A child has ended it, or was not given it after all."""
        self._not_begun.pop(job_id, None)
        self._begun.pop(job_id, None)

    def take_to_note(self) -> list[tuple[str, int, float]]:
        """What has been running for a while, with fence and beginning; each once."""
        now = time.monotonic()
        noted = [one for one, (_, at) in self._begun.items() if is_over(at, NOTED_AFTER, now=now)]
        return [(job_id, *self._begun.pop(job_id)) for job_id in noted]

    def take_lost(self) -> list[Fetched]:
        """What no child will begin."""
        now = time.monotonic()
        late = {one for one, (_, at) in self._not_begun.items() if is_over(at, LOST_AFTER, now=now)}
        # At the second look alone: what a child has said meanwhile was read between the two.
        lost = [self._not_begun.pop(job_id)[0] for job_id in late & self._late]
        self._late = late
        return lost


def is_over(since: float, limit: timedelta, *, now: float) -> bool:
    """Whether more than `limit` has passed."""
    return now - since > limit.total_seconds()

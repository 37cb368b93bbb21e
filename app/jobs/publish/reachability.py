"""Whether the broker takes what it is sent, and answers what it is asked.

One slow answer must not become one for each request, nor an outage one line in the log for each attempt.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import structlog

log = structlog.get_logger(__name__)

#: After a failure nothing is tried for so long.
PAUSE_AFTER_FAILURE = timedelta(seconds=2)


class Reach:
    """What was last seen of the broker in one respect; logged when it changes."""

    def __init__(self, *, lost: str, regained: str) -> None:
        self._lost, self._regained = lost, regained
        self.reset()

    def reset(self) -> None:
        """Know nothing."""
        self._failed_since: float | None = None
        self._closed_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether it makes sense to try again."""
        return time.monotonic() >= self._closed_until

    def failed(self, error: Exception, **facts: Any) -> None:
        """It did not answer, or took nothing."""
        now = time.monotonic()
        self._closed_until = now + PAUSE_AFTER_FAILURE.total_seconds()
        if self._failed_since is None:
            self._failed_since = now
            log.warning(self._lost, error=str(error), **facts)

    def answered(self) -> None:
        """It did what it was asked."""
        if self._failed_since is not None:
            log.info(self._regained, after_seconds=round(time.monotonic() - self._failed_since, 1))
            self.reset()


#: Of messages, and of everything else.
publishing = Reach(lost="publish_failed", regained="publish_works_again")
looking = Reach(lost="broker_away", regained="broker_back")

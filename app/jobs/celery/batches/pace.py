"""How many jobs a worker begins within a moment, by how many it has begun just now."""

from __future__ import annotations

import time
from datetime import timedelta

#: So much work is claimed ahead.
AHEAD = timedelta(milliseconds=50)
PERIOD = timedelta(milliseconds=100)


class Pace:
    """Counts what begins."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._begun = 0
        self._since = time.monotonic()
        #: How many jobs to have ready beyond what runs.
        self.ahead = 0

    def count(self, begun: int) -> None:
        """So many have begun since this was called last."""
        self._begun += begun
        passed = time.monotonic() - self._since
        if passed < PERIOD.total_seconds():
            return
        self.ahead = min(int(self._begun / passed * AHEAD.total_seconds()), self._limit)
        self._since, self._begun = time.monotonic(), 0

    def stop(self) -> None:
        """What is ready does not begin: the children are busy with longer jobs."""
        self.ahead = 0

"""How often each of many may do something in a second."""

from __future__ import annotations

import time
from http import HTTPStatus

from app.errors import GroundworkError

MAX_REMEMBERED = 10_000
#: A stranger who was idle may ask as much at once as in so long, as at the proxy.
STRANGERS_BURST_SECONDS = 5.0


class TooManyRequests(GroundworkError):
    """Raised for a caller who asks too much; nothing of the request was done."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too_many_requests"


class Rates:
    """Counts for each by itself; who was idle may do as much at once as in `burst_seconds`."""

    def __init__(self, *, burst_seconds: float) -> None:
        self._burst_seconds = burst_seconds
        #: When what was done would be done, at the pace that is allowed.
        self._done_at: dict[str, float] = {}

    def is_over(self, who: str, *, per_second: int) -> bool:
        """Whether `who` has to wait; else it is counted."""
        now = time.monotonic()
        done_at = max(self._done_at.get(who, now), now)
        if done_at - now > self._burst_seconds:
            return True
        if len(self._done_at) >= MAX_REMEMBERED:
            self._done_at.clear()
        self._done_at[who] = done_at + 1 / per_second
        return False

    def take_back(self, who: str, *, per_second: int) -> None:
        """Say that what was counted last was nothing to count."""
        if who in self._done_at:
            self._done_at[who] -= 1 / per_second

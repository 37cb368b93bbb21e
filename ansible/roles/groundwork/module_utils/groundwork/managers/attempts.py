"""Whether supervisord starts a program again and again, told from the states that it goes through."""

from __future__ import annotations

import time

#: So many attempts to start are a loop.
MAX_ATTEMPTS = 4
#: A program that ends at once is in the state BACKOFF between attempts: for a second after the first, and for
#: a second longer after each. Its attempts are too short to be seen, but that so many took so long is.
BACKOFF_SECONDS = float(sum(range(MAX_ATTEMPTS)))


class Attempts:
    """What was seen of one program since it was to start."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._backoff_since: float | None = None

    def see(self, state: str, *, pid: str) -> None:
        """Take note of a state, and of the process if it runs."""
        if state == "BACKOFF":
            self._backoff_since = self._backoff_since or time.monotonic()
            self._seen.add(f"BACKOFF since {self._backoff_since}")
            return
        self._backoff_since = None
        if pid:
            self._seen.add(pid)

    @property
    def are_a_loop(self) -> bool:
        """Whether there is no point in waiting for the next one."""
        waited = time.monotonic() - self._backoff_since if self._backoff_since is not None else 0.0
        return len(self._seen) >= MAX_ATTEMPTS or waited > BACKOFF_SECONDS

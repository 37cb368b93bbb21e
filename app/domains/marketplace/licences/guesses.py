"""How many keys that no licence has one network may try; each process of the API counts for itself."""

from __future__ import annotations

import math
import time

from app.domains.marketplace.licences.errors import TooManyGuesses

#: Of one network. Keys are copied, so that few are wrong; an office behind one address may have many people.
FREE = 30
SECONDS_EACH = 2.0
MAX_REMEMBERED = 10_000


class Guesses:
    """What was tried in vain, by network."""

    def __init__(self) -> None:
        self._paid_at: dict[str, float] = {}

    def refuse(self, network: str, *, now: float | None = None) -> None:
        """Raise `TooManyGuesses` while a network has tried too many."""
        ahead = self._ahead(network, now=time.monotonic() if now is None else now)
        if ahead >= FREE * SECONDS_EACH:
            raise TooManyGuesses(seconds=math.floor(ahead - FREE * SECONDS_EACH) + 1)

    def count(self, network: str, *, now: float | None = None) -> None:
        """Note that a network has tried one in vain."""
        now = time.monotonic() if now is None else now
        if len(self._paid_at) >= MAX_REMEMBERED:
            self._paid_at = {name: at for name, at in self._paid_at.items() if at > now}
        if len(self._paid_at) >= MAX_REMEMBERED:
            self._paid_at = {}
        self._paid_at[network] = now + self._ahead(network, now=now) + SECONDS_EACH

    def _ahead(self, network: str, *, now: float) -> float:
        return max(self._paid_at.get(network, now) - now, 0.0)

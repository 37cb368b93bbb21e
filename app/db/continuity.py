"""For how long the database has answered, as far as this process can tell.

While it did not, no worker could say that it lives. So nobody may be given up as silent for a time in which
this process itself heard nothing: after an outage, after a pause of this process or its whole machine, and
after its start.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from sqlalchemy import event

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

#: A worker that says every 5 s that it lives is then missed for less than 15 s. No statement of beat's takes
#: as long, and it asks every 3 s even while it stands by.
MAX_GAP_SECONDS = 8.0
#: The database's clock and ours differ in their pace by much less; one that is set differs by more.
MAX_DRIFT_SECONDS = 2.0


class Continuity:
    """Every answer of the engine counts, whoever asked."""

    def __init__(self, engine: Engine) -> None:
        self._last = -math.inf
        self._since = math.inf
        self._offset: float | None = None
        event.listen(engine, "after_cursor_execute", self._answered)

    def lasts(self, *, seconds: float) -> bool:
        """Whether it has answered for so long without a gap."""
        return self._last - self._since >= seconds

    def failed(self) -> None:
        """It did not answer."""
        self._last = -math.inf

    def compare(self, now: datetime) -> None:
        """Note what its clock shows; one that was set tells nothing of how long ago something was."""
        offset = now.timestamp() - time.monotonic()
        if self._offset is not None and abs(offset - self._offset) > MAX_DRIFT_SECONDS:
            self._since = self._last
        self._offset = offset

    def _answered(self, *_: object) -> None:
        now = time.monotonic()
        if now - self._last > MAX_GAP_SECONDS:
            self._since = now
        self._last = now

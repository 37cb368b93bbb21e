"""How far the work on an image is: shown on its job, which may be cancelled between any two steps."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.db.checkpoint import Checkpoint

#: Between steps, the ledger is asked this often whether the job was cancelled.
ASKED_EVERY = timedelta(seconds=1)


@dataclass(kw_only=True)
class Progress:
    """Tells the job; `commit` raises once that was cancelled, or belongs to another worker."""

    commit: Checkpoint
    #: What is done.
    doing: str
    _asked_at: float = field(default=0.0)

    def tell(self, done: int, total: int) -> None:
        """Show how many bytes of all are done with."""
        percent = 100 * done // total if total else 100
        self._commit({"doing": self.doing, "percent": percent, "bytes": done, "of": total})

    def go_on(self) -> None:
        """Raise where the job is no longer to go on."""
        if time.monotonic() - self._asked_at >= ASKED_EVERY.total_seconds():
            self._commit(None)

    def is_cancelled(self) -> bool:
        """False; where it is, `go_on` raises."""
        self.go_on()
        return False

    def _commit(self, shown: dict[str, Any] | None) -> None:
        self.commit(shown)
        self._asked_at = time.monotonic()

"""What can be wrong with what is asked of a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import Conflict, InvalidInput, NotFound
from app.values.nearest import did_you_mean
from app.values.text import quoted

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime, timedelta


class NoSuchQueue(NotFound):
    """Raised for a name that no queue has."""

    code = "no_such_queue"

    def __init__(self, *, name: str, known: Collection[str]) -> None:
        hint = did_you_mean(name, known, otherwise=f"The queues are: {', '.join(known)}.")
        super().__init__(f"There is no queue {quoted(name)}. {hint}")


class QueueNeverPaused(Conflict):
    """Raised for a queue on which the service itself depends."""

    code = "queue_never_paused"

    def __init__(self, *, name: str) -> None:
        super().__init__(
            f'The queue "{name}" cannot be paused: the service checks itself and clears up in it. Disable '
            "the schedule of what is not to run (groundwork schedules disable NAME), or cancel its jobs."
        )


class BadPauseReason(InvalidInput):
    """Raised where nobody says why a queue is paused, in words that can be kept."""

    code = "no_reason"

    def __init__(self, *, problem: str) -> None:
        super().__init__(f"Of the reason, {problem}. Say in one line why the queue is paused.")


class PauseEndsBadly(InvalidInput):
    """Raised for a time that has passed, or is so far away that nobody would remember."""

    code = "bad_until"

    def __init__(self, *, until: datetime, longest: timedelta) -> None:
        super().__init__(
            f"A queue cannot be paused until {until.isoformat(timespec='seconds')}: give a time to come, at "
            f"most {longest.days} days from now, or none to pause it until somebody resumes it."
        )


class PauseChanged(Conflict):
    """Raised where a queue was resumed and paused again since whoever acts has looked."""

    code = "pause_changed"

    def __init__(self, *, name: str) -> None:
        super().__init__(
            f'The queue "{name}" was paused anew since it was shown: nothing was done. Look at it again.'
        )
